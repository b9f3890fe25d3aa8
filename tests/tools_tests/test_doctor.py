"""doctor: what works is said, and so is what does not, however broken it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import diagnosis

Broken = Callable[..., None]


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leave the named checks alone."""

    def keep(*names: str) -> None:
        monkeypatch.setattr(diagnosis, "CHECKS", {name: diagnosis.CHECKS[name] for name in names})

    return keep


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Broken:
    """Put modules with this code before the installed ones, for the processes that are started."""

    def put(**modules: str) -> None:
        for name, code in modules.items():
            (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return put


def test_this_installation_works(tool, tmp_path: Path) -> None:
    done = tool("doctor", "--work-dir", tmp_path / "new" / "runs", "--json")
    findings = json.loads(done.stdout)
    assert [one for one in findings if one["status"] == "problem"] == []
    assert done.returncode == 0
    assert not done.stderr
    found = {one["about"]: one for one in findings}
    assert {"Python", "torch", "mmcv", "CPU", "cores", "memory", "disk", "cache", "optuna"} <= found.keys()
    for about in ("mmcv's NMS on cpu", "mmcv's deformable convolution on cpu", "COCO's scores (faster-coco-eval)"):
        assert found[about]["found"] == "works"
    assert not (tmp_path / "new").exists()


def test_what_is_broken_is_a_line_with_what_to_do(tool, only, broken: Broken) -> None:
    only("mmcv's operations", "COCO's scores", "threads")
    broken(mmcv="raise ImportError('undefined symbol:\\n _ZN3c10')", faster_coco_eval="import os; os.abort()")
    done = tool("doctor")
    assert done.returncode == 1
    assert not done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == (
        "problem  mmcv's operations: ImportError: undefined symbol: _ZN3c10; "
        "remove .venv and run make install, which compiles them"
    )
    assert lines[1] == "problem  COCO's scores: died of SIGABRT; run make install"
    assert lines[2].startswith("ok       cores: ")  # what comes after is checked all the same


def test_operations_that_compute_something_else_are_found(tool, only, tmp_path: Path, broken: Broken) -> None:
    only("mmcv's operations")
    broken()
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv/__init__.py").touch()
    (tmp_path / "mmcv/ops.py").write_text(
        "import torch\n"
        "def nms(boxes, scores, iou): return boxes, torch.tensor([0, 1, 2])\n"
        "class ModulatedDeformConv2d(torch.nn.Conv2d):\n"
        "    def forward(self, x, offset, mask): return 2 * super().forward(x)\n"
    )
    done = tool("doctor")
    assert done.returncode == 1
    assert done.stdout.count("computes something else; run make install") == 2


def test_versions_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"torch": "2.12.0", "pandas": "3.0.0", "six": "1.0"}
    real = diagnosis._version
    monkeypatch.setattr(diagnosis, "_version", lambda name: None if name == "mmdet" else versions.get(name, real(name)))
    found = {one.about: one for one in diagnosis._packages()}
    assert (found["torch"].status, found["torch"].found) == ("problem", "2.12.0, and the suite needs >=2.13")
    assert (found["pandas"].status, found["pandas"].found[:14]) == ("note", "3.0.0 (tested:")
    assert found["mmdet"].status == "note"  # the modules are there, under another name
    assert "six 1.0 (tested:" in found["what these need"].found
    assert found["mmcv"].status == "ok"


def test_data_sets_are_checked(tool, only, folder_data: Path) -> None:
    only()
    done = tool("doctor", "--data", f"segmentation={folder_data}", f"detection={folder_data}")
    good, bad = done.stdout.splitlines()
    assert done.returncode == 1
    assert good == f"ok       segmentation in {folder_data}: 12 images, all good"
    assert bad.startswith(f"problem  detection in {folder_data}: ")
    assert bad.endswith("docs/data.md")
    refused = tool("doctor", "--data", "here")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "write it as TASK=DIR" in refused.stderr


def test_threads_beyond_the_cores_are_a_problem(tool, only, monkeypatch: pytest.MonkeyPatch) -> None:
    only("threads")
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    assert "problem  threads: 4096 threads: they wait for each other; set OMP_NUM_THREADS=" in tool("doctor").stdout
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    done = tool("doctor")
    assert "problem  OMP_NUM_THREADS: 'many' is no number of threads" in done.stdout
    assert "note     OMP_WAIT_POLICY: " in done.stdout


@pytest.mark.parametrize(
    ("line", "files", "cores"),
    [
        ("0::/box", {"box/cpu.max": "150000 100000"}, 1.5),
        ("0::/box/inner", {"box/cpu.max": "50000 100000", "box/inner/cpu.max": "max 100000"}, 0.5),
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("1:cpu:/box", {"cpu/box/cpu.cfs_quota_us": "200000", "cpu/box/cpu.cfs_period_us": "100000"}, 2.0),
        ("1:cpu:/box", {"cpu/box/cpu.cfs_quota_us": "-1", "cpu/box/cpu.cfs_period_us": "100000"}, None),
        ("4:memory:/box", {"memory/box/cpu.max": "150000 100000"}, None),
    ],
)
def test_a_containers_share_of_the_cores(tmp_path: Path, line: str, files: dict[str, str], cores: float | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    (tmp_path / "table").write_text(f"{line}\n")
    assert diagnosis.cpu_quota(tmp_path / "table", tmp_path) == cores
    assert diagnosis.cpu_quota(tmp_path / "no table", tmp_path) is None


def test_a_folder_that_cannot_be_written_to_and_a_damaged_cache(tool, only, tmp_path: Path) -> None:
    only("disk")
    (tmp_path / "cache/features-1.1234.bad").mkdir(parents=True)
    (tmp_path / "cache/features-1.1234.bad/x.bin").write_bytes(b"x" * 10)
    done = tool("doctor", "--work-dir", tmp_path)
    assert done.returncode == 0
    assert "note     cache: 0.00 GiB" in done.stdout
    assert "set aside as damaged" in done.stdout
    done = tool("doctor", "--work-dir", "/proc/runs")
    assert done.returncode == 1
    assert "problem  disk: " in done.stdout
    assert "choose a --work-dir that can be written to" in done.stdout
