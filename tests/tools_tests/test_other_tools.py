"""describe, verify_published, make_leaderboard."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.published import networks as published
from search_spaces import SPACES, SearchSpace

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
    for name in ("ToySpace", "DecoderCells", "SegmentationTask", "RegularizedEvolution", "camvid-decoder-v2"):
        assert name in listing
    assert re.search(r"Baseline +Makes no trial and answers", listing)
    assert re.search(r"toy-v2 +small plain convolutional networks", listing)
    assert re.search(r"detection +scenes-detection-v3, scenes-ssdlite-v3", listing)
    assert "1.8e+15 architectures, 19 decisions" in tool("describe", "DecoderCells").stdout
    toy = tool("describe", "toy-v2").stdout
    assert "budget" in toy
    assert "strategies: random_search, regularized_evolution" in toy
    assert "epochs: int = 50" in tool("describe", "DARTS").stdout.replace("'int'", "int")
    done = tool("describe", "RandomSerch")
    assert done.returncode == 2
    assert done.stderr == "error: unknown name 'RandomSerch': did you mean 'RandomSearch'?\n"


def test_a_space_without_a_list_of_decisions_is_described(tool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Graphs(SearchSpace):
        """Graphs that grow."""

        def architecture(self, choices):
            raise NotImplementedError

        sample = mutate = parts = architecture

    monkeypatch.setitem(SPACES.module_dict, "Graphs", Graphs)
    assert re.search(r"Graphs +Graphs that grow\.", tool("describe").stdout)
    assert "an open space" in tool("describe", "Graphs").stdout


def test_verify_published(tool) -> None:
    done = tool("verify_published", "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    wanted = {f"SEG-{k}{kind}" for k in range(3) for kind in ("", "d", "m", "c", "s")} | {
        f"SEG-i{k}" for k in range(1, 5)
    }
    wanted |= {f"DET-{k}" for k in range(1, 12)} | {"DET-1m", "S1-F4"} | {f"FNA-{k}" for k in range(1, 7)}
    wanted |= {"RET-MBv2", "RET-R50", "RET-R101", "FCOS-X101", "DARTS-V1", "DARTS-V1c", "DARTS-V2", "DARTS-V2c"}
    wanted |= {"NASNet-A", "NASNet-A-large", "NASNet-A-s", "AmoebaNet-A", "AmoebaNet-A-448", "AmoebaNet-A-s"}
    wanted |= {f"EfficientNet-B{phi}" for phi in range(8)}
    wanted |= {"MobileNetV1", "MobileNetV3-large", "MobileNetV3-small"}
    wanted |= {f"TPL-{k}{kind}" for k in range(2) for kind in ("", "c")}
    wanted |= {f"AK-{name}" for name in (0, 1, 2, "ResNet", "DenseNet")}
    assert [row["id"] for row in rows if row["id"] not in wanted] == []
    assert len(rows) == len(wanted) == 72
    assert all(row["ok"] for row in rows)
    verdicts = {row["id"]: (row["params_verdict"], row["madds_verdict"]) for row in rows}
    assert verdicts["SEG-i1"] == ("exact", None)
    assert verdicts["TPL-0"] == verdicts["TPL-1"] == ("exact", "same digits")
    assert verdicts["TPL-0c"] == verdicts["TPL-1c"] == ("same digits", "same digits")
    for name in ("FNA-4", "FNA-5", "FNA-6"):
        assert verdicts[name] == ("same digits", "same digits")
    assert verdicts["FNA-1"] == ("same digits", "differs")
    assert verdicts["MobileNetV3-large"] == verdicts["MobileNetV3-small"] == ("exact", "same digits")
    for name in ("MobileNetV1", "NASNet-A", "AmoebaNet-A", "EfficientNet-B0"):
        assert verdicts[name] == ("same digits", "same digits")
    assert verdicts["AK-2"] == ("exact", None)
    for name in ("AK-0", "AK-1", "AK-ResNet", "AK-DenseNet"):  # whose MAdds were counted by another rule
        assert verdicts[name] == ("exact", "differs")
    for name in ("DET-9", "DET-10", "DET-11"):  # an FPN of 128 channels, a head of 256
        assert verdicts[name] == ("same digits", "differs")
    for name in ("DET-5", "DET-8", "SEG-2d", "S1-F4"):
        assert verdicts[name][0] == "differs"
    assert all(row["why"] for row in rows if "differs" in verdicts[row["id"]])


def test_a_count_that_is_not_the_recorded_one_is_told(tool, monkeypatch: pytest.MonkeyPatch) -> None:
    small = next(row for row in published.PUBLISHED if row.id == "FNA-4")
    for wrong in (
        replace(small, params=small.params + 1),
        replace(small, printed_params="4.4 M"),
        replace(small, madds=1),
    ):
        monkeypatch.setattr(published, "PUBLISHED", (wrong,))
        done = tool("verify_published")
        assert done.returncode == 1
        assert "False" in done.stdout


def test_make_leaderboard_is_a_pure_function(tool, tmp_path: Path) -> None:
    tool("run_benchmark", "toy", "--strategy", "random_search", "ppo", "--work-dir", tmp_path / "runs")
    for out in "ab":
        done = tool("make_leaderboard", tmp_path / "runs", "--out", tmp_path / out, "--check")
        assert done.returncode == 0, done.stderr
    for name in (
        "index.html",
        "answers.png",
        "best_so_far.png",
        "checklist.md",
        *(f"leaderboard.{end}" for end in ("md", "csv", "json", "tex")),
    ):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    ledger = tmp_path / "runs/toy-v2/random_search/seed0/trials.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:-1]))
    done = tool("make_leaderboard", tmp_path / "runs", "--out", tmp_path / "c", "--check")
    assert done.returncode == 1
    assert "study.json says" in done.stderr
    done = tool("make_leaderboard", tmp_path / "nowhere", "--out", tmp_path / "d")
    assert done.returncode == 2
    assert "there is no run" in done.stderr
