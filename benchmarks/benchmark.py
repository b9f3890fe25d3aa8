"""A named, versioned protocol: what is searched, on what, by which stages, at which cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmarks.files import check_name
from benchmarks.gates import GATES, Gate
from core import build, content_key, import_named, make, parse
from core.parsing import in_a_line, shown
from search_spaces import SPACES, FiniteSpace, SearchSpace
from tasks import REWARDS, Stage
from tasks.data import SPLITS
from tasks.rewards import MEASURED, Objectives, Reward

SUPERNET = "supernet"  # the stage of trials that a strategy trains and scores itself

# Where things lie on a machine is not protocol; what lies there is part of the task's fingerprint.
PLACES = ("root", "checkpoint", "weights", "table")
LOCAL = ("cache", "device")  # settings of a task that a run makes itself
EFFORT = "workers"  # of a task: how many processes read its data, which changes no result

MOST_TRIALS = 10_000_000
LARGEST = 4096  # whole number in a space's settings: it counts layers or channels, which take memory and time
LARGEST_OF_STRATEGIES = 10_000  # the same of a strategy's, which counts epochs and trials as well
CACHE = "cache"  # the folder of what all runs share

Config = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """What a search may spend: trials, and images that pass through a network (None: no limit)."""

    trials: int
    images: int | None = None

    def __post_init__(self) -> None:
        if self.trials < 1 or (self.images is not None and self.images < 1):
            raise ValueError(f"a budget must be at least 1 trial and 1 image, not {self.trials} and {self.images}")
        if self.trials > MOST_TRIALS:
            raise ValueError(f"a budget must be at most {MOST_TRIALS} trials, not {self.trials}")


class Benchmark:
    """Task, proxy, space, stages, reward, objectives, gate, budget and seeds under one id that ends in a version.

    `config` is a config's `benchmark` entry (plain data). `task` and `proxy` are configs: the search sees the proxy (or the
    task, where there is none), the final training the task. `stages` are those of one trial, `final` the training and scoring
    of the networks that a search returns, which `final_space` builds (the same questions at another size, wider say; without
    it, `space` does). `objectives` are None where the reward is all. With `common_seed` all trials of a study train with one
    seed, as public search codes do: what it does to all networks alike (the first weights of what they share, the order of
    images, the noise on them) decides between none of them. Without it each trial has its own.

    Raises ValueError where it is not a fair protocol.
    """

    def __init__(self, config: Mapping[str, Any]):
        self.protocol, plain = config, parse(_Plain, config, "the benchmark")
        check_name(plain.id, "the benchmark's id")
        if plain.id.casefold() == CACHE:
            raise ValueError(
                f"no benchmark can be called {plain.id!r}, as the folder beside its runs is: give it another id"
            )
        if not plain.seeds:
            raise ValueError(f"benchmark {plain.id!r} has no seeds: give at least one")
        if len(set(plain.seeds)) < len(plain.seeds):
            raise ValueError(f"benchmark {plain.id!r} names a seed twice: give each once, not {plain.seeds}")
        self.imports = plain.imports
        for module in self.imports:
            try:
                import_named(module)
            except Exception as error:  # a module is a program: anything may come out of it
                why = in_a_line(f"{type(error).__name__}: {error}")
                raise ValueError(f"benchmark {plain.id!r} imports {in_a_line(module)}, which fails ({why})") from error
        self.id, self.seeds, self.budget = plain.id, plain.seeds, plain.budget
        self.common_seed = plain.common_seed
        self.final = Stage.of(plain.final)
        self.stages = _checked([Stage.of(stage) for stage in plain.stages], self.final)
        self.task, self.proxy = dict(plain.task), dict(plain.proxy or plain.task)
        for setting in LOCAL:
            if setting in self.task or setting in self.proxy:
                raise ValueError(
                    f"{setting} of the benchmark's task is no rule: leave it out, and use --work-dir or --device"
                )
        self.space_config, self.final_space_config = dict(plain.space), dict(plain.final_space or plain.space)
        check_bounds(self.space_config, "the space")
        check_bounds(self.final_space_config, "the final space")
        self.space: SearchSpace = build(SPACES, self.space_config)
        self.final_space: SearchSpace = build(SPACES, self.final_space_config)
        if not _same_questions(self.space, self.final_space):
            raise ValueError(f"benchmark {plain.id!r}: space and final_space must have the same decisions")
        self.reward: Reward = build(REWARDS, plain.reward)
        self.objectives = None if plain.objectives is None else make(Objectives, plain.objectives, "the objectives")
        self.gate_config = plain.gate
        self.reads()  # builds the gate: a wrong one is refused here

    def gate(self) -> Gate | None:
        """A fresh gate; None where every trial goes through all stages."""
        return build(GATES, self.gate_config) if self.gate_config else None

    def reads(self) -> set[str]:
        """The names of what reward, objectives and gate look at: the task's metrics and costs of the network."""
        readers = (self.reward, self.objectives, self.gate())
        return {name for reader in readers if reader for name in reader.names}

    def other_splits(self) -> list[str]:
        """What stages read beside train, val and test."""
        views = [stage.view for stage in (*self.stages, self.final)]
        return sorted({split for view in views for split in (*view.train, view.eval)} - {*SPLITS})

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """The costs among what is read: they are measured before a trial's first stage."""
        reads = self.reads()
        return tuple(name for name in MEASURED if name in reads)

    def protocol_hash(self, fingerprints: Sequence[str], versions: Mapping[str, Any]) -> str:
        """A hash of the rules, of the data (`fingerprints`) and of the code (`versions` of tasks and space)."""
        return content_key([rules(self.protocol), list(fingerprints), versions])


@dataclass(frozen=True)
class _Plain:
    """A benchmark as a config writes it."""

    id: str
    task: Mapping[str, Any]
    space: Mapping[str, Any]
    stages: tuple[Mapping[str, Any], ...]
    final: Mapping[str, Any]
    reward: Mapping[str, Any]
    budget: Budget
    seeds: tuple[int, ...]
    proxy: Mapping[str, Any] | None = None
    final_space: Mapping[str, Any] | None = None
    objectives: Mapping[str, Any] | None = None
    gate: Mapping[str, Any] | None = None
    common_seed: bool = False
    imports: tuple[str, ...] = ()


def rules(value: Any) -> Any:
    """What of a benchmark's entry is fixed under its id: all but the places where things lie, and how data are read."""
    if isinstance(value, Mapping):
        loose = dict.fromkeys(PLACES, str | None) | {EFFORT: int | None}
        kept = {key: item for key, item in value.items() if key not in loose or not isinstance(item, loose[key])}
        return {key: rules(item) for key, item in kept.items()}
    return [rules(item) for item in value] if isinstance(value, list | tuple) else value


def _checked(stages: Sequence[Stage], final: Stage) -> tuple[Stage, ...]:
    """The stages, each told whether the next one continues it.

    Raises ValueError where they make no protocol, or one of them sees what the final score is taken on.
    """
    if not stages:
        raise ValueError("the benchmark's stages are empty: give at least one")
    names = [stage.name for stage in stages]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ValueError(f"two stages are called {twins[0]!r}: give each its own name")
    if SUPERNET in names:
        raise ValueError(f"no stage can be called {SUPERNET!r}, as epochs of supernets are: give it another name")
    for stage in (*stages, final):
        if stage.recipe.continued:
            raise ValueError(f"stage {stage.name!r} sets continued, which the stage behind it decides: leave it out")
    for stage in (stages[0], final):
        if stage.recipe.continues:
            raise ValueError(f"stage {stage.name!r} continues, but no stage comes before it: leave continues out")
    for stage in stages:
        if final.view.eval in (stage.view.eval, *stage.view.train):
            raise ValueError(
                f"stage {stage.name!r} sees the split {final.view.eval!r} that the final score is taken on: "
                "give it another split"
            )
    if final.view.eval in final.view.train:
        raise ValueError(f"stage {final.name!r} learns from the split {final.view.eval!r} that it is scored on")
    return (*map(_before, stages, stages[1:]), stages[-1])


def check_bounds(value: Any, where: str, largest: int = LARGEST) -> None:
    """Raise ValueError for a number of layers, channels or the like that nothing on this earth could build or play."""
    named = value.items() if isinstance(value, Mapping) else ()
    for name, item in named or (enumerate(value) if isinstance(value, list | tuple) else ()):
        if isinstance(item, int) and abs(item) > largest:
            raise ValueError(f"{name} of {where} must be at most {largest}, not {shown(item)}")
        check_bounds(item, f"{name} of {where}", largest)


def _before(stage: Stage, follower: Stage) -> Stage:
    """A stage, told whether the one behind it continues it. Raises ValueError where that cannot be."""
    if not follower.recipe.continues:
        return stage
    if not stage.recipe.epochs:
        raise ValueError(f"stage {stage.name!r} trains nothing that the one behind it could continue: give it epochs")
    try:
        return replace(stage, recipe=replace(stage.recipe, continued=True))
    except ValueError as error:
        raise ValueError(f"stage {stage.name!r}: {error}") from None


def _same_questions(space: SearchSpace, final: SearchSpace) -> bool:
    if isinstance(space, FiniteSpace) and isinstance(final, FiniteSpace):
        return space.decisions == final.decisions
    return type(space) is type(final)
