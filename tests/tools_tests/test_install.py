"""tools/install.py: what it refuses in the first second, and what it mends of mmcv."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "install.py"

# the lines of mmcv 2.1.0's setup.py that matter here
SETUP = """
def get_version():
    version_file = 'mmcv/version.py'
    with open(version_file, encoding='utf-8') as f:
        exec(compile(f.read(), version_file, 'exec'))
    return locals()['__version__']


FLAGS = ['-std=c++17']
"""


@pytest.fixture
def install() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL], env=settings, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("torch", ["2.12.1", "1.13.1+cpu", "latest", "2", "2.13.0+"])
def test_another_torch_is_refused_before_anything_is_done(torch: str) -> None:
    done = run(TORCH=torch)
    assert done.returncode == 2
    assert not done.stdout
    assert re.fullmatch(r"install: [^\n]*TORCH[^\n]+\n", done.stderr)


def test_another_python_is_refused_by_its_version(install: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ((3, 9, 18), (3, 14, 0)):
        monkeypatch.setattr(sys, "version_info", version)
        with pytest.raises(SystemExit) as stopped:
            install["check"]((2, 13))
        assert stopped.value.code == 2


def test_a_compiler_that_is_missing_or_too_old_is_refused(
    install: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for compiler in ("no-such-compiler", "false"):
        monkeypatch.setenv("CXX", compiler)
        with pytest.raises(SystemExit) as stopped:
            install["check"]((2, 13))
        assert stopped.value.code == 2


@pytest.mark.parametrize(("torch", "standard"), [("2.13.0", "c++17"), ("2.14.1+cpu", "c++20"), ("3.0", "c++20")])
def test_mmcv_is_told_the_standard_of_torch_and_finds_its_version(
    torch: str, standard: str, install: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended = install["mended"](SETUP, install["standard_of"](install["release"](torch)))
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "version.py").write_text("__version__ = '2.1.0'\n")
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(mended, space)
    assert space["get_version"]() == "2.1.0"
    assert space["FLAGS"] == [f"-std={standard}"]


def test_another_setup_than_the_known_one_is_not_compiled(install: dict[str, Any]) -> None:
    with pytest.raises(SystemExit):
        install["mended"]("setup(name='mmcv')", "c++17")


def test_an_archive_with_another_content_is_refused(install: dict[str, Any], tmp_path: Path) -> None:
    install["source"].__globals__["KEPT"] = tmp_path
    (tmp_path / "mmcv-2.1.0.tar.gz").write_bytes(b"something else")
    with pytest.raises(SystemExit) as stopped:
        install["source"]()
    assert stopped.value.code == 2


def test_the_pins_follow_the_torch_that_was_asked_for(install: dict[str, Any]) -> None:
    pins = "mmcv==2.1.0\ntorch==2.13.0\ntqdm==4.70.1\n"
    assert install["constraints"](pins, "2.14.1+cpu") == "mmcv==2.1.0\ntorch==2.14.1+cpu\ntqdm==4.70.1\n"
    assert install["constraints"](pins, "") == pins


def test_progress_is_told_in_words_without_paths(install: dict[str, Any]) -> None:
    assert install["doing"](["[3/78] c++ -I/somewhere/include -c a.cpp", "In file included from /x/y.h"]) == (
        "compiled 3 of 78 files"
    )
    assert (
        install["doing"](["Collecting tqdm==4.70.1 (from densebench)", "  Using cached tqdm.whl"]) == "collecting tqdm"
    )
    assert install["doing"](["Installing collected packages: mpmath, tqdm"]) == "installing packages"
    assert install["doing"]([]) == "starting"


def test_a_command_that_is_silent_is_still_seen_to_run(
    install: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    install["follow"].__globals__["EVERY"] = 0.01
    code = "import sys; sys.stdin.read(1)"
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.3)"], stdout=subprocess.PIPE) as quiet:
        install["follow"]("a quiet step", [sys.executable, "-c", code], stdin=quiet.stdout)
    assert len(capsys.readouterr().out.splitlines()) > 3


def test_a_command_that_fails_shows_its_last_lines(install: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        install["follow"]("a step", [sys.executable, "-c", "print('why'); raise SystemExit(3)"], hint="do that")
    assert stopped.value.code == 1
    shown = capsys.readouterr().err
    assert "why" in shown
    assert "do that" in shown
