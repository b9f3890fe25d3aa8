"""Curves in MMEngine's visualisation backends: off unless a config asks for them, and no rule of a protocol."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

TOY = (
    "toy",
    "--strategy",
    "random_search",
    "--cfg-options",
    "benchmark.budget.trials=4",
    "benchmark.budget.images=None",
)
LOCAL = "vis_backends=[{'type': 'LocalVisBackend'}]"
RUN = Path("toy-v2/random_search")


def scalars(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "vis_data/scalars.json").read_text().splitlines()]


def trials(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("jobs", [1, 2])
def test_curves_are_those_of_the_record(tool, tmp_path: Path, jobs: int) -> None:
    done = tool("run_benchmark", *TOY, LOCAL, "--seed", 0, 1, "--jobs", jobs, "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    for seed in (0, 1):
        folder = tmp_path / RUN / f"seed{seed}"
        *search, final = scalars(folder)
        images, best = 0, -1.0
        for shown, trial in zip(search, trials(folder), strict=True):
            images += sum(stage["cost"]["images"] for stage in trial["stages"])
            best = max(best, trial["reward"]) if trial["status"] == "done" else best
            stages = {f"search/{stage['name']}/score": stage["metrics"]["score"] for stage in trial["stages"]}
            known = {"search/best": best} if best >= 0 else {}
            assert shown == {**known, "search/reward": trial["reward"], **stages, "step": images}
        (answer,) = json.loads((folder / "study.json").read_text())["answers"]
        assert final == {"final/score": answer["final"]["metrics"]["score"], "step": 0}


def test_they_are_off_and_no_rule(tool, tmp_path: Path) -> None:
    assert tool("run_benchmark", *TOY, "--seed", 0, "--work-dir", tmp_path).returncode == 0
    folder = tmp_path / RUN / "seed0"
    assert not (folder / "vis_data").exists()
    assert tool("run_benchmark", *TOY, LOCAL, "--seed", 1, "--work-dir", tmp_path).returncode == 0
    plain, shown = (json.loads((folder.with_name(f"seed{seed}") / "config.json").read_text()) for seed in (0, 1))
    assert plain == {**shown, "seed": 0}
    again = tool("run_benchmark", *TOY, LOCAL, "--seed", 0, "--work-dir", tmp_path)  # the same run, with curves
    assert again.returncode == 0, again.stderr


def test_what_is_played_back_is_not_shown_again(tool, tmp_path: Path) -> None:
    assert tool("run_benchmark", *TOY, LOCAL, "--seed", 0, "--work-dir", tmp_path).returncode == 0
    folder = tmp_path / RUN / "seed0"
    before = scalars(folder)
    (folder / "study.json").unlink()
    assert tool("run_benchmark", *TOY, LOCAL, "--seed", 0, "--work-dir", tmp_path).returncode == 0
    assert scalars(folder) == [*before, before[-1]]


def test_a_protocol_file_can_ask_for_them(tool, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from mmengine.visualization import LocalVisBackend\n"
        "like = 'toy-v2'\n"
        "benchmark = {'id': 'mine-v1', 'budget': {'trials': 2}}\n"
        "vis_backends = [dict(type=LocalVisBackend, scalar_save_file='mine.json')]\n"
    )
    asked = (tmp_path / "mine.py", "--strategy", "random_search", "--seed", 0, "--work-dir", tmp_path)
    done = tool("run_benchmark", *asked)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "mine-v1/random_search/seed0/vis_data/mine.json").read_text()
    assert written.count("search/best") == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("'LocalVisBackend'", "vis_backends must be a list of dicts with a type, not 'LocalVisBackend'"),
        ("[{'name': 'x'}]", "vis_backends must be a list of dicts with a type"),
        (
            "[{'type': 'LocalVisBackends'}]",
            "unknown visualisation backend 'LocalVisBackends': did you mean 'LocalVisBackend'",
        ),
        ("[{'type': 3}]", "unknown visualisation backend '3'"),
        ("[{'type': '.'}]", "unknown visualisation backend '.': choose one of "),
        ("[{'type': ''}]", "unknown visualisation backend '': choose one of "),
        ("[{'type': 'LocalVisBackend', 'colour': 1}]", "vis_backends (LocalVisBackend) cannot be opened (TypeError: "),
    ],
)
def test_what_is_none_is_refused(tool, tmp_path: Path, given: str, sentence: str) -> None:
    done = tool("run_benchmark", *TOY, f"vis_backends={given}", "--seed", 0, "--work-dir", tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_backend_that_fails_ends_the_run_in_a_line_and_the_run_goes_on_without(
    tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faulty_backend.py").write_text(
        "from mmengine.visualization import LocalVisBackend\n"
        "class Gone(LocalVisBackend):\n"
        "    def add_scalars(self, *given, **more):\n"
        "        raise ConnectionError('the server\\nis gone')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faulty_backend", raising=False)
    gone = "vis_backends=[{'type': 'faulty_backend.Gone'}]"
    done = tool("run_benchmark", *TOY, gone, "--seed", 0, "--work-dir", tmp_path / "runs", "--quiet")
    assert done.returncode == 1
    assert "vis_backends failed (ConnectionError: the server is gone): the same command goes on" in done.stderr
    assert done.stderr.count("\n") == 1
    assert tool("run_benchmark", *TOY, "--seed", 0, "--work-dir", tmp_path / "runs").returncode == 0
    assert len(trials(tmp_path / "runs" / RUN / "seed0")) == 4
