"""audit_proxy on the toy benchmark: a table, an object, a run that goes on, refusals in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tasks.toy import ToyTask

SMALL = ("toy", "--architectures", 6, "--seeds", 2, "--workers", 1)


def test_a_benchmark_is_audited_and_gone_on_with(tool, tmp_path: Path) -> None:
    done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "toy-v2: 6 networks" in done.stdout
    assert "| share of the variance due to the architecture |" in done.stdout
    assert "final training" not in done.stdout
    assert "Warning" not in done.stdout
    written = tmp_path / "audits/toy-v2.jsonl"
    before = written.read_text()
    assert len(before.splitlines()) == 1 + 6 * 2
    done = tool("audit_proxy", *SMALL, "--final", "--json", "--workers", 2, "--work-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["networks"], result["failed"]) == (6, 0)
    assert 0.5 < result["share"]["value"] <= 1  # the toy's noise is small
    reward = next(one for one in result["signals"]["agreements"] if one["signal"] == "reward")
    assert reward["tau"]["value"] > 0
    assert result["regrets"]["reward"]["value"] >= 0
    assert result["kills"]["good"] == 2
    assert written.read_text().startswith(before)
    assert len(written.read_text().splitlines()) == 1 + 6 * 3


def test_the_networks_of_a_run_are_trained_by_another_benchmark(tool, tmp_path: Path) -> None:
    """A proxy's ledger against its target: here the same landscape, twice as noisy."""
    proxy = ("--cfg-options", "benchmark.id=proxy-v1", "benchmark.task.noise=8.0", "--work-dir", tmp_path)
    done = tool("run_benchmark", "toy", "--strategy", "random_search", *proxy)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "proxy-v1/random_search/seed0"
    audit = ("audit_proxy", "toy", "--run", folder, "--final", "--seeds", 0, "--work-dir", tmp_path)
    done = tool(*audit, "--architectures", 8, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "| reward of the run |" in done.stdout
    assert "share" not in done.stdout.split("Signals")[1]
    assert (tmp_path / "out/signals.png").stat().st_size > 1000
    assert (tmp_path / "audits/toy-v2-proxy-v1-random_search-seed0.jsonl").is_file()
    done = tool(*audit, "--architectures", 5000)
    assert done.returncode == 2
    assert "networks: ask for at most as many, not 5000" in done.stderr


def test_a_run_of_too_few_networks_is_refused_before_any_is_trained(tool, tmp_path: Path) -> None:
    few = ("--cfg-options", "benchmark.id=few-v1", "benchmark.budget.trials=3", "--work-dir", tmp_path)
    done = tool("run_benchmark", "toy", "--strategy", "random_search", *few)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "few-v1/random_search/seed0"
    done = tool("audit_proxy", "toy", "--run", folder, "--final", "--seeds", 0, "--work-dir", tmp_path)
    assert done.returncode == 2
    assert "has rated 3 networks: give a run with at least 4" in done.stderr
    assert not list(tmp_path.glob("audits/*"))


def test_a_search_that_sees_noise_is_warned_of(tool, tmp_path: Path) -> None:
    loud = ("--cfg-options", "benchmark.task.noise=200.0", "--work-dir", tmp_path)
    done = tool("audit_proxy", *SMALL, "--final", *loud)
    assert done.returncode == 0, done.stderr
    assert "Warning: less than 70% of the reward's variance are due to the architecture" in done.stdout


def test_where_all_failed_it_says_why(tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: ToyTask, *arguments: object) -> None:
        raise RuntimeError("too deep")

    monkeypatch.setattr(ToyTask, "train_and_score", fails)
    done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path)
    assert done.returncode == 2
    assert re.search("0 networks say little: .* without a failure .the last one: .*RuntimeError: too deep", done.stderr)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tooy",), "unknown benchmark 'tooy': did you mean 'toy'"),
        (("toy", "--architectures", 3), "--architectures must be at least 4, not 3"),
        (("toy", "--seeds", -1), "--seeds must be at least 0, not -1"),
        (("toy", "--seeds", 0), "give --final, too"),
        (("toy", "--final", "--run", "nowhere"), "nowhere has no config.json"),
        (("toy", "--cfg-options", "benchmark.reward.name=scor"), "unknown metric"),
    ],
)
def test_bad_input_is_one_line(tool, tmp_path: Path, arguments: tuple[object, ...], sentence: str) -> None:
    done = tool("audit_proxy", *arguments, "--work-dir", tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_machines_are_compared(tool, tmp_path: Path) -> None:
    done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    here, there = (tmp_path / name / "audits/toy-v2.jsonl" for name in "ab")
    there.parent.mkdir(parents=True)
    head, *scores = here.read_text().splitlines()
    (values := [json.loads(line) for line in scores])[0]["stages"][-1]["score"] += 60
    there.write_text("\n".join([head, *map(json.dumps, values)]) + "\n")
    done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path / "a", "--beside", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\| search +\| +6 +\|", done.stdout)
    assert "Warning: the search's scores move by more than a third of the spread between networks." in done.stdout
    there.write_text("\n".join([head, *scores[:3]]) + "\n{")  # a kill has torn the last line
    kept = there.read_bytes()
    done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path / "a", "--beside", tmp_path / "b", "--json")
    assert json.loads(done.stdout)["machines"] == []
    assert "nothing to compare: fewer than 4 networks were trained on both machines" in done.stderr
    assert there.read_bytes() == kept
    for other, sentence in (("none", "run the same command there"), ("a", "another machine's work folder")):
        done = tool("audit_proxy", *SMALL, "--work-dir", tmp_path / "a", "--beside", tmp_path / other)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert sentence in done.stderr
    assert not (tmp_path / "none").exists()
