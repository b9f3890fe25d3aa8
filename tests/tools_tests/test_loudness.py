"""What a run says while it is played: little, nothing but errors, or a line a trial; never what libraries say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHORT = ("--cfg-options", "benchmark.budget.trials=4", "benchmark.budget.images=None")
TOY = ("toy", "--strategy", "random_search")
TRIAL = re.compile(r"random_search seed(\d): trial (\d+) ([0-9a-f]{16}) (done|stopped|failed): (.*); ([\d.]+) s")


def said(stderr: str) -> list[str]:
    """The lines that stay on a terminal, but for bars."""
    return [line for line in stderr.splitlines() if line.strip() and "/s" not in line]


def test_quiet_is_the_table_alone(tool, tmp_path: Path) -> None:
    for jobs in (1, 2):
        one = (*TOY, "--seed", 0, 1, "--jobs", jobs, *SHORT, "--work-dir", tmp_path / str(jobs))
        done = tool("run_benchmark", *one, "--quiet")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("## toy-v2")
    again = tool("run_benchmark", *one, "--quiet")
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_quiet_still_says_what_went_wrong(tool, tmp_path: Path) -> None:
    wrong = (*TOY, "--seed", 0, "--cfg-options", "benchmark.budget.trials=3", "benchmark.final.recipe.epochs=0")
    assert tool("run_benchmark", *wrong, "--quiet", "--work-dir", tmp_path).returncode == 0
    done = tool("run_benchmark", *TOY, "--seed", 0, "--quiet", "--work-dir", tmp_path)
    assert done.returncode == 2
    assert "holds a run of another protocol" in done.stderr
    done = tool("run_benchmark", *TOY, "--quiet", "--verbose")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "not allowed with argument" in done.stderr


@pytest.mark.parametrize("jobs", [1, 2])
def test_verbose_is_a_line_a_trial(tool, tmp_path: Path, jobs: int) -> None:
    asked = (*TOY, "--seed", 0, 1, "--jobs", jobs, "--work-dir", tmp_path, *SHORT)
    done = tool("run_benchmark", *asked, "--verbose")
    assert done.returncode == 0, done.stderr
    lines = [line for line in said(done.stderr) if TRIAL.search(line)]
    assert len(lines) == 8
    for seed in (0, 1):
        own = [found for line in lines for found in [TRIAL.search(line)] if found and found[1] == str(seed)]
        recorded = (tmp_path / f"toy-v2/random_search/seed{seed}/trials.jsonl").read_text().splitlines()
        for found, trial in zip(own, map(json.loads, recorded), strict=True):
            assert (int(found[2]), found[3], found[4]) == (trial["id"], trial["key"], trial["status"])
            stage = trial["stages"][-1]
            assert f"{stage['name']}: score {stage['metrics']['score']:.4g}" in found[5]
            assert found[5].endswith(f"reward {trial['reward']:.4g}")


def test_trials_that_are_played_back_are_not_said_again(tool, tmp_path: Path) -> None:
    asked = (*TOY, "--seed", 0, "--work-dir", tmp_path, *SHORT, "--verbose")
    assert len(TRIAL.findall(tool("run_benchmark", *asked).stderr)) == 4
    folder = tmp_path / "toy-v2/random_search/seed0"
    (folder / "study.json").unlink()
    for name, keep in (("trials.jsonl", 3), ("events.jsonl", None)):
        lines = (folder / name).read_text().splitlines(keepends=True)
        if keep is None:  # up to the last trial's proposal
            keep = next(place for place, line in enumerate(lines) if '"id": 3' in line) + 1
        (folder / name).write_text("".join(lines[:keep]))
    done = tool("run_benchmark", *asked)
    assert done.returncode == 0, done.stderr
    assert [found[1] for found in TRIAL.findall(done.stderr)] == ["3"]


def test_a_trial_that_failed_says_why(tool, tmp_path: Path) -> None:
    (tmp_path / "failing_task.py").write_text(
        "from tasks.toy import ToyTask\n"
        "class Broken(ToyTask):\n"
        "    def fit(self, *a, **k):\n"
        "        raise ArithmeticError('two\\nlines')\n"
    )
    (tmp_path / "mine.py").write_text(
        "like = 'toy-v2'\nbenchmark = {'id': 'mine-v1', 'task.type': 'failing_task.Broken', 'budget': {'trials': 2}}\n"
    )
    asked = (tmp_path / "mine.py", "--strategy", "random_search", "--seed", 0, "--work-dir", tmp_path / "runs")
    done = tool("run_benchmark", *asked, "--verbose")
    assert (
        len(
            [
                line
                for line in said(done.stderr)
                if "failed: failing_task.py:4: ArithmeticError: two lines; 0.0 s" in line
            ]
        )
        == 2
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("benchmark", ["nuclei-segmentation-v1", "nuclei-detection-v2", "scenes-denoise-v2"])
def test_libraries_say_nothing(tmp_path: Path, benchmark: str) -> None:
    """Of a process as a user starts it, whose warnings and logs pytest does not filter."""
    settings = [
        f"benchmark.{part}.{what}" for part in ("stages.0", "final") for what in ("recipe.epochs=1", "view.share=0.1")
    ]
    settings += ["benchmark.budget.trials=1"]
    settings += [] if "denoise" in benchmark else ["benchmark.task.encoder.pretrain_epochs=0"]
    options = ("--strategy", "random_search", "--seed", "0", "--work-dir", str(tmp_path), "--quiet", "--cfg-options")
    command = [sys.executable, "tools/run_benchmark.py", benchmark, *options, *settings]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"## {benchmark}")
