"""The documentation's site is built without a warning, and holds what nobody writes by hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.catalogue import benchmarks
from benchmarks.records.committed import committed
from benchmarks.site.protocols import markdown, setting
from benchmarks.site.reported import reported

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = re.compile(r"<(?:link|script|img|iframe)[^>]*(?:src|href)=\"?https?://")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mkdocs") is None, reason="MkDocs is not installed (pip install -e .[docs])")
def test_it_is_built_without_a_warning_and_a_network(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quiet = {"SEARCH": "false", "NO_MKDOCS_2_WARNING": "1", "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **quiet}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # --quiet would hide warnings from --strict
    pages = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.html")}
    assert {f"benchmarks/{name}.html" for name in benchmarks()} <= pages
    assert {f"results/{folder.name}.html" for folder in committed()} <= pages
    for kind in ("best", "answers"):
        assert (tmp_path / f"results/embedded-nuclei-segmentation-v1-{kind}.png").stat().st_size > 10_000
    for name in pages:
        assert not ELSEWHERE.search((tmp_path / name).read_text()), name
    assert "RegularizedEvolution" in (tmp_path / "api/strategies.html").read_text()
    assert (
        'href="../results/embedded.html#nuclei-segmentation-v1"'
        in (tmp_path / "benchmarks/nuclei-segmentation-v1.html").read_text()
    )


def test_what_papers_report_stands_beside_what_was_measured() -> None:
    page, seeds = reported(), r"seeds: \d+ \|"
    assert re.search(
        rf"\| IR-NAS \| PSNR \| 29\.14 \| [\d.]+ \| [+-][\d.]+ \| `bsd500-denoise-v2/ir_nas`, {seeds}", page
    )
    assert re.search(r"\| arch0 \| mIoU \| 78\.0 \| (\*not run\*|[\d.]+) \| .* \| `voc-decoder-v1/arch0`", page)
    assert re.search(r"\| SEG-0 \(.*\) \| params \| .* \| (exact|same digits|differs) \|", page)
    assert "for no known reason" not in page


def test_a_docstrings_commands_become_blocks() -> None:
    text = "x: what.\n\nCommand: python tools/a.py \\\n    --b c\nMeasured: 1.\nAll: python tools/d.py"
    assert markdown(text) == (
        "x: what.\n\n\n```bash\npython tools/a.py \\\n--b c\n```\n\nMeasured: 1.\n\nAll:\n\n```bash\npython tools/d.py\n```\n"
    )


def test_a_setting_is_shown_and_not_read_as_markdown() -> None:
    config = {"type": "a.b.Kind", "size": [1, 2], "inner": {"type": "c.Other", "x_y": "<b>|"}, "name": "n"}
    assert setting(config, "name") == r"**Kind** size=\[1, 2\], inner=Other(x_y=\<b\>\|)"
