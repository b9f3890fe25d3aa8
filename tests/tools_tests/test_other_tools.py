"""describe, verify_published, make_leaderboard, check_data; and a stranger's first strategy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (ROOT / "tools").glob("*.py") if path.stem != "command_line")
)
def test_help_runs(tool, name: str) -> None:
    done = tool(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage:")
    assert not done.stderr


def test_describe_lists_and_describes(tool) -> None:
    listing = tool("describe").stdout
    for name in ("ToySpace", "DecoderCells", "SegmentationTask", "RegularizedEvolution", "camvid-decoder-v1"):
        assert name in listing
    assert "1.8e+15 architectures, 19 decisions" in tool("describe", "DecoderCells").stdout
    assert "budget" in tool("describe", "toy-v1").stdout
    done = tool("describe", "RandomSerch")
    assert done.returncode == 2
    assert done.stderr == "error: unknown name 'RandomSerch': did you mean 'RandomSearch'?\n"


def test_verify_published(tool) -> None:
    done = tool("verify_published", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert {"id", "params", "madds", "printed_params", "printed_madds", "verdict"} <= rows[0].keys()
    wanted = {f"SEG-{k}{kind}" for k in range(3) for kind in ("", "d", "s")} | {f"SEG-i{k}" for k in range(1, 5)}
    assert wanted <= {row["id"] for row in rows}
    assert {row["verdict"] for row in rows} <= {"exact", "match"}


def test_make_leaderboard_is_a_pure_function(tool, tmp_path: Path) -> None:
    tool("run_benchmark", "toy", "--seed", 0, "--work-dir", tmp_path / "runs")
    for out in "ab":
        done = tool("make_leaderboard", tmp_path / "runs", "--out", tmp_path / out, "--check")
        assert done.returncode == 0, done.stderr
    for name in ("leaderboard.md", "leaderboard.csv", "leaderboard.json", "best_so_far.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    ledger = tmp_path / "runs/toy-v1/random_search/seed0/trials.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))
    done = tool("make_leaderboard", tmp_path / "runs", "--out", tmp_path / "c", "--check")
    assert done.returncode == 1
    assert "study.json says" in done.stderr
    done = tool("make_leaderboard", tmp_path / "nowhere", "--out", tmp_path / "d")
    assert done.returncode == 2
    assert "there is no run" in done.stderr


def test_check_data(tool, folder_data: Path, tmp_path: Path) -> None:
    done = tool("check_data", "segmentation", folder_data)
    assert done.returncode == 0, done.stderr
    assert "train: 6 images, 0 wrong" in done.stdout
    (folder_data / "masks/train/p1.png").unlink()
    (folder_data / "images/val/p2.jpg").write_text("x")
    done = tool("check_data", "segmentation", folder_data)
    assert done.returncode == 2
    assert "masks/train/p1.png is missing" in done.stdout
    assert "images/val/p2.jpg cannot be decoded" in done.stdout
    assert done.stderr == "error: 2 of 12 pairs are wrong, see above\n"
    done = tool("check_data", "segmentation", tmp_path / "nowhere")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_check_data_on_camvid(tool, shared) -> None:
    done = tool("check_data", "segmentation", shared("camvid"))
    assert done.returncode == 0, done.stderr
    assert "176 pairs, all good" in done.stdout


def test_a_strangers_first_strategy(tool, tmp_path: Path) -> None:
    """The page docs/first_strategy.md, followed to the letter, leads to a row on the toy leaderboard."""
    page = (ROOT / "docs/first_strategy.md").read_text()
    code, config = re.findall(r"```python\n(.*?)```", page, flags=re.S)[:2]
    assert len(code.strip().splitlines()) <= 25
    folder = tmp_path / "hill"
    folder.mkdir()
    for name in ("protocol.py", "random_search.py"):
        (folder / name).write_text((ROOT / "benchmarks/configs/toy-v1" / name).read_text())
    (folder / "hill_climbing.py").write_text(config)
    written = ROOT / "strategies/hill_climbing.py"
    assert not written.exists()
    try:
        written.write_text(code)
        done = tool("run_benchmark", folder, "--work-dir", tmp_path / "runs")
    finally:
        written.unlink()
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| hill_climbing +\| +3 ", done.stdout)
    assert "| random_search" in done.stdout
