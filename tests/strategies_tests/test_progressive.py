"""Progressive search: a part at a time, the best held, resumed at any point, with any strategy inside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core import build
from search_spaces.toy.space import ToySpace
from strategies import STRATEGIES, Answer, Plan, Proposal, Strategy, Study, Trial, best
from strategies.progressive import Progressive

SPACE = ToySpace()
START = {name: options[0] for name, options in SPACE.decisions.items() if not name.startswith("layer0.")}
PARTS: list[dict[str, Any]] = [
    dict(prefix="layer0.", trials=6), dict(prefix="layer2.", trials=7), dict(prefix="layer1.", trials=5)
]  # fmt: skip
EVOLUTION = dict(type="RegularizedEvolution", population=3, tournament=2)
BUDGET = dict(trials=18)


def check_parts(trials: list[Trial]) -> None:
    """Every trial of a part holds the start, or the best so far, outside of it; and the part varies inside."""
    first, rest = 0, START
    for part in PARTS:
        mine = trials[first : first + part["trials"]]
        assert all(trial.arch[name] == rest[name] for trial in mine for name in rest)
        assert len({trial.arch.key for trial in mine}) > 1
        assert {trial.note["part"] for trial in mine} == {part["prefix"]}
        first += part["trials"]
        winner = best(trials[:first]).arch
        following = PARTS[(PARTS.index(part) + 1) % len(PARTS)]["prefix"]
        rest = {name: choice for name, choice in winner.as_dict().items() if not name.startswith(following)}


class Loop(Strategy):
    """Owns its loop: keeps every worker busy with samples."""

    seen: tuple[int, int] = (0, 0)  # objects and calls of prepare

    def __init__(self) -> None:
        Loop.seen = Loop.seen[0] + 1, Loop.seen[1]

    def prepare(self, study: Study) -> Plan:
        Loop.seen = Loop.seen[0], Loop.seen[1] + 1
        return Plan(note="it loops")

    def search(self, study: Study) -> list[Answer]:
        while True:
            while study.wants():
                study.submit(Proposal(study.space.sample(study.rng())))
            if study.collect() is None:
                return [Answer.of(best(study.trials))]


class Early(Strategy):
    """Gives up after two trials."""

    def search(self, study: Study) -> list[Answer]:
        for _ in range(2):
            study.submit(Proposal(study.space.sample(study.rng())))
            study.collect()
        return [Answer.of(best(study.trials))]


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES.module_dict, "Loop", Loop)
    monkeypatch.setitem(STRATEGIES.module_dict, "Early", Early)
    monkeypatch.setattr(Loop, "seen", (0, 0))


@pytest.mark.parametrize("inner", [EVOLUTION, dict(type="Loop")], ids=lambda config: config["type"])
def test_a_part_after_the_other_and_the_best_is_held(toy_study, inner: dict[str, Any]) -> None:
    with toy_study(budget=BUDGET) as one:
        answers = Progressive(PARTS, START, inner).search(one)
    assert len(one.trials) == 18
    check_parts(one.trials)
    assert answers == [Answer.of(best(one.trials))]


def test_trials_go_through_a_part_as_they_always_did(toy_study, golden) -> None:
    with toy_study(budget=BUDGET) as one:
        Progressive(PARTS, START, EVOLUTION).search(one)
    golden("trajectory_Progressive.json", [[trial.arch.key, trial.status, trial.reward] for trial in one.trials])


def test_a_strategy_is_built_and_prepared_once_a_part(toy_study) -> None:
    strategy = Progressive(PARTS, START, dict(type="Loop"))
    with toy_study(budget=BUDGET) as one:
        assert strategy.prepare(one) == Plan(trials=18, note="it loops")
        strategy.search(one)
    assert Loop.seen == (3, 3)


def test_interrupted_at_any_point_it_goes_on_as_if_nothing_had_happened(toy_study, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def watch(study: Any) -> None:
        if len(study.trials) == count:
            raise KilledError

    count = 0
    with toy_study(budget=BUDGET) as whole:
        answers = Progressive(PARTS, START, EVOLUTION).search(whole)
    for count in range(1, 19):
        with toy_study(tmp_path / f"cut{count}", budget=BUDGET) as one:
            one.watch = watch
            with pytest.raises(KilledError):
                Progressive(PARTS, START, EVOLUTION).search(one)
        with toy_study(tmp_path / f"cut{count}", budget=BUDGET) as resumed:
            assert Progressive(PARTS, START, EVOLUTION).search(resumed) == answers
        assert [trial.proposal for trial in resumed.trials] == [trial.proposal for trial in whole.trials]


def test_with_several_workers_a_part_waits_for_the_one_before(toy_study) -> None:
    with ThreadPoolExecutor(3) as pool, toy_study(executor=pool, workers=3, budget=BUDGET) as one:
        Progressive(PARTS, START, dict(type="Loop")).search(one)
    assert {trial.id for trial in one.trials[:6]} == set(range(6))
    assert {trial.id for trial in one.trials[6:13]} == set(range(6, 13))
    check_parts(one.trials)


@pytest.mark.parametrize(("budget", "count"), [(6, 6), (9, 9), (99, 18)])
def test_the_smaller_of_budget_and_parts_ends_the_search(toy_study, tmp_path: Path, budget: int, count: int) -> None:
    for _ in range(2):  # the second time nothing is left to do
        with toy_study(tmp_path, budget=dict(trials=budget)) as one:
            answers = Progressive(PARTS, START, EVOLUTION).search(one)
        assert len(one.trials) == count
        assert answers == [Answer.of(best(one.trials))]


def test_a_budget_of_images_may_end_within_a_part(toy_study) -> None:
    with toy_study(budget=dict(trials=99, images=4000)) as one:
        Progressive(PARTS, START, EVOLUTION).search(one)
    spent = [trial.cost.images for trial in one.trials]
    assert sum(spent[:-1]) < 4000 <= sum(spent)
    assert len(spent) < 18


def test_a_part_that_cannot_be_finished_is_an_error(toy_study) -> None:
    with toy_study() as one, pytest.raises(RuntimeError, match=r"Early ended part 'layer0\.' with 2 of 6"):
        Progressive(PARTS, START, dict(type="Early")).search(one)
    broken = dict(type="ToyTask", broken="none")
    with toy_study(task=broken) as one, pytest.raises(RuntimeError, match="all 6 trials failed"):
        Progressive(PARTS, START, EVOLUTION).search(one)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (dict(parts=[]), "parts is empty"),
        (dict(parts=[dict(prefix="layer0.", trials=0)]), r"part 'layer0\.' has 0 trials"),
        (dict(parts=[dict(prefix="layer0.", trial=3)]), "unknown entry of a part 'trial': did you mean 'trials'"),
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
        (dict(strategy=dict(type="NSGA2")), "needs several objectives"),
        (
            dict(strategy=dict(type="Hyperband")),
            "a network that an earlier part has tried has no weights left to go on",
        ),
    ],
)
def test_what_does_not_fit_the_study_is_refused_before_a_trial(
    toy_study, changes: dict[str, Any], sentence: str
) -> None:
    settings: dict[str, Any] = {"parts": PARTS, "start": START, "strategy": EVOLUTION, **changes}
    with toy_study() as one, pytest.raises(ValueError, match=sentence):
        Progressive(**settings).prepare(one)


def test_a_supernet_cannot_be_searched_in_parts(toy_study) -> None:
    with toy_study() as one, pytest.raises(ValueError, match="has no supernet"):
        Progressive(PARTS, START, dict(type="DARTS", epochs=2)).prepare(one)


def test_a_start_with_which_nothing_makes_a_network_is_refused(toy_study) -> None:
    class Never(ToySpace):
        def flaw(self, choices):
            return "too narrow" if choices["layer1.width"] == 4 else None

    with toy_study() as one:
        one.benchmark.space = Never()
        with pytest.raises(ValueError, match=r"start leaves no network to search 'layer0\.' in \(none of .* answers"):
            Progressive(PARTS, START, EVOLUTION).prepare(one)
        Progressive(PARTS, {**START, "layer1.width": 8}, EVOLUTION).prepare(one)
