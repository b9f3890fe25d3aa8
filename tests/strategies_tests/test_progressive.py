"""Progressive search: a part at a time, the best held, resumed at any point, with any strategy inside."""

from __future__ import annotations

import json
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark, Budget, read_config, strategy_files
from benchmarks.executors import InlineExecutor
from benchmarks.study import Study
from search_spaces import Architecture, build
from search_spaces.restoration_cells import RestorationCells
from search_spaces.toy import ToySpace
from strategies import STRATEGIES, Proposal, Strategy, Trial, best
from strategies.progressive import Progressive

SPACE = ToySpace()
START = {name: options[0] for name, options in SPACE.decisions.items() if not name.startswith("layer0.")}
PARTS = [dict(prefix="layer0.", trials=6), dict(prefix="layer2.", trials=7), dict(prefix="layer1.", trials=5)]
EVOLUTION = dict(type="RegularizedEvolution", population=3, tournament=2)


def study(
    folder: Path, budget: Budget | None = None, executor: Executor | None = None, workers: int = 1, **task: Any
) -> Study:
    folder.mkdir(exist_ok=True)
    config = read_config(next(strategy_files("toy"))).to_dict()["benchmark"]
    benchmark = replace(Benchmark.of(config), budget=budget or Budget(trials=18))
    text = json.dumps({"type": "tasks.toy.ToyTask", "noise": 4.0, **task})
    return Study(benchmark, 0, folder, text, executor or InlineExecutor(), workers)


def check_parts(trials: list[Trial]) -> None:
    """Every trial of a part holds the start, or the best so far, outside of it; and the part varies inside."""
    first, rest = 0, START
    for part in PARTS:
        mine = trials[first : first + part["trials"]]
        assert all(trial.arch[name] == rest[name] for trial in mine for name in rest)
        assert len({trial.arch.key for trial in mine}) > 1
        first += part["trials"]
        winner = best(trials[:first]).arch
        following = PARTS[(PARTS.index(part) + 1) % len(PARTS)]["prefix"]
        rest = {name: choice for name, choice in winner.as_dict().items() if not name.startswith(following)}


class Loop(Strategy):
    """Owns its loop: keeps every worker busy with samples."""

    def search(self, study) -> Architecture:
        while True:
            while study.wants():
                study.submit(Proposal(study.space.sample(study.rng())))
            if study.collect() is None:
                return best(study.trials).arch


class Early(Strategy):
    """Gives up after two trials."""

    def search(self, study) -> Architecture:
        for _ in range(2):
            study.submit(Proposal(study.space.sample(study.rng())))
            study.collect()
        return best(study.trials).arch


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES.module_dict, "Loop", Loop)
    monkeypatch.setitem(STRATEGIES.module_dict, "Early", Early)


@pytest.mark.parametrize("inner", [EVOLUTION, dict(type="Loop")], ids=lambda config: config["type"])
def test_a_part_after_the_other_and_the_best_is_held(tmp_path: Path, inner: dict[str, Any]) -> None:
    with study(tmp_path) as one:
        answer = Progressive(PARTS, START, inner).search(one)
    assert len(one.trials) == 18
    check_parts(one.trials)
    assert answer == best(one.trials).arch


def test_interrupted_at_any_point_it_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    with study(tmp_path / "whole") as whole:
        answer = Progressive(PARTS, START, EVOLUTION).search(whole)
    lines = (tmp_path / "whole/trials.jsonl").read_bytes().splitlines(keepends=True)
    for count in range(19):
        folder = tmp_path / f"cut{count}"
        folder.mkdir()
        (folder / "trials.jsonl").write_bytes(b"".join(lines[:count]))
        with study(folder) as resumed:
            assert Progressive(PARTS, START, EVOLUTION).search(resumed) == answer
        assert [trial.arch.key for trial in resumed.trials] == [trial.arch.key for trial in whole.trials]


def test_with_several_workers_a_part_waits_for_the_one_before(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool, study(tmp_path, executor=pool, workers=3) as one:
        Progressive(PARTS, START, dict(type="Loop")).search(one)
    assert {trial.id for trial in one.trials[:6]} == set(range(6))
    assert {trial.id for trial in one.trials[6:13]} == set(range(6, 13))
    check_parts(one.trials)


def test_a_trial_in_flight_at_a_kill_is_made_up_for_in_its_part(tmp_path: Path) -> None:
    with study(tmp_path / "whole") as whole:
        Progressive(PARTS, START, dict(type="Loop")).search(whole)
    lines = (tmp_path / "whole/trials.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/trials.jsonl").write_bytes(b"".join(lines[:3] + lines[4:5]))  # 3 never came back, 4 did
    with study(tmp_path / "cut") as resumed:
        Progressive(PARTS, START, dict(type="Loop")).search(resumed)
    assert [trial.id for trial in resumed.trials] == [0, 1, 2, 4, 3, *range(5, 18)]
    check_parts(resumed.trials)


@pytest.mark.parametrize(("budget", "count"), [(Budget(6), 6), (Budget(9), 9), (Budget(99), 18)])
def test_the_smaller_of_budget_and_parts_ends_the_search(tmp_path: Path, budget: Budget, count: int) -> None:
    for _ in range(2):  # the second time nothing is left to do
        with study(tmp_path, budget) as one:
            answer = Progressive(PARTS, START, EVOLUTION).search(one)
        assert len(one.trials) == count
        assert answer == best(one.trials).arch


def test_a_budget_of_images_may_end_within_a_part(tmp_path: Path) -> None:
    with study(tmp_path, Budget(99, images=4000)) as one:
        Progressive(PARTS, START, EVOLUTION).search(one)
    spent = [trial.cost.images for trial in one.trials]
    assert sum(spent[:-1]) < 4000 <= sum(spent)
    assert len(spent) < 18


def test_a_part_that_cannot_be_finished_is_an_error(tmp_path: Path) -> None:
    with (
        study(tmp_path / "early") as one,
        pytest.raises(RuntimeError, match=r"Early ended part 'layer0\.' with 2 of 6"),
    ):
        Progressive(PARTS, START, dict(type="Early")).search(one)
    with study(tmp_path / "broken", broken="none") as one, pytest.raises(RuntimeError, match="all 6 trials failed"):
        Progressive(PARTS, START, EVOLUTION).search(one)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(parts=[]), "parts is empty"),
        (dict(parts=[dict(prefix="layer0.", trials=0)]), r"part 'layer0\.' has 0 trials"),
        (dict(parts=[dict(prefix="layer0.", trial=3)]), "unexpected keyword argument 'trial'"),
        (dict(strategy=dict(type="RandomSerch")), "did you mean 'RandomSearch'"),
        (dict(strategy=dict(type="RegularizedEvolution", population=0)), "must be at least 1"),
    ],
)
def test_settings_that_mean_nothing_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build(STRATEGIES, {"type": "Progressive", "parts": PARTS, "start": START, "strategy": EVOLUTION, **changes})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(parts=[dict(prefix="layer0", trials=3), dict(prefix="head.", trials=3)]), r"starts with 'head\.'"),
        (dict(start={**START, "layer1.widt": 4}), "unknown decision .* did you mean 'layer1.width'"),
        (dict(start={**START, "layer0.act": "relu"}), "unknown decision outside of 'layer0.' in start 'layer0.act'"),
        (
            dict(start={**START, "layer1.width": 5}),
            r"start\['layer1.width'\] cannot be 5: give one of \(4, 8, 12, 16\)",
        ),
        (dict(start={"layer1.width": 4}), r"start has no choice for layer1.kernel, .*: give one for every decision"),
    ],
)
def test_what_does_not_fit_the_space_is_refused_before_a_trial(
    tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    settings: dict[str, Any] = {"parts": PARTS, "start": START, "strategy": EVOLUTION, **changes}
    with study(tmp_path) as one, pytest.raises(ValueError, match=sentence):
        Progressive(**settings).search(one)
    assert not one.trials


def test_a_supernet_cannot_be_searched_in_parts() -> None:
    space = RestorationCells(nodes=1, channels=2, stem=4)
    start = {name: options[0] for name, options in space.decisions.items() if name.startswith("layer")}
    with pytest.raises(ValueError, match="DARTS moves all decisions at once"):
        Progressive([dict(prefix="cell", trials=2)], start, dict(type="DARTS", epochs=2)).check(space)


def test_a_start_with_which_nothing_makes_a_network_is_refused() -> None:
    class Never(ToySpace):
        def flaw(self, choices):
            return "too narrow" if choices["layer1.width"] == 4 else None

    with pytest.raises(ValueError, match=r"no network in 1000 draws of 'layer0\.' \(too narrow\)"):
        Progressive(PARTS, START, EVOLUTION).check(Never())
    Progressive(PARTS, {**START, "layer1.width": 8}, EVOLUTION).check(Never())
