"""A named, versioned protocol: what is searched, on what, by which stages, at which cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from benchmarks.gates import GATES, Gate
from search_spaces import SPACES, SearchSpace, build, content_key, did_you_mean
from tasks import REWARDS, Stage
from tasks.rewards import Reward

CONFIGS = Path(__file__).parent / "configs"

# The embedded benchmarks that a task's name stands for.
DEFAULTS = {
    "toy": ("toy-v1",),
    "segmentation": ("scenes-segmentation-v1",),
    "detection": ("scenes-detection-v1", "scenes-ssdlite-v1"),
    "restoration": ("scenes-denoise-v1",),
}

# Where data lies on a machine is not protocol; what lies there is part of the task's fingerprint.
PLACES = ("root", "checkpoint")

# What a config holds.
ENTRIES = ("benchmark", "strategy")

# What may be added to a protocol without a new id: it changes no row that is there.
ADDITIONS = ("baselines",)

REQUIRED = {"id", "task", "space", "stages", "final", "reward", "budget", "seeds"}


@dataclass(frozen=True)
class Budget:
    """What a search may spend: trials, and images seen in all stages (None: no limit)."""

    trials: int
    images: int | None = None


@dataclass(frozen=True)
class Benchmark:
    """Task, proxy, space, stages, gate, reward, budget and seeds under one id that ends in a version.

    `task` and `proxy` are configs: the search sees the proxy (or the task, where there is none), the final training the
    task. `stages` are those of one trial, `final` the training and scoring of the network that a search returns, which
    `final_space` builds (the same decisions at another size, wider say; without it, `space` does). `baselines` are networks
    by name, each a part of a model config as a space makes it, that are trained and scored as the found ones are.
    """

    id: str
    task: dict[str, Any]
    space: SearchSpace
    final_space: SearchSpace
    stages: tuple[Stage, ...]
    final: Stage
    reward: Reward
    budget: Budget
    seeds: tuple[int, ...]
    proxy: dict[str, Any]
    gate_config: dict[str, Any] | None
    baselines: dict[str, dict[str, Any]]
    protocol: dict[str, Any]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Benchmark:
        """Build from a config's `benchmark` entry (plain data). Raises ValueError where it is not a fair protocol."""
        config = dict(config)
        known = REQUIRED | {"proxy", "final_space", "gate", "baselines"}
        for name in config:
            if name not in known:
                raise ValueError(did_you_mean("entry of a benchmark", name, sorted(known)))
        for name in sorted(REQUIRED - config.keys()):
            raise ValueError(f"the benchmark has no {name!r}: add it to protocol.py")
        try:
            stages = tuple(Stage(**stage) for stage in config["stages"])
            final, budget = Stage(**config["final"]), Budget(**config["budget"])
        except TypeError as error:
            raise ValueError(f"benchmark {config['id']!r}: {error}") from None
        for stage in stages:
            if final.eval in (stage.eval, *stage.train):
                raise ValueError(f"stage {stage.name!r} sees the split {final.eval!r} that the final score is taken on")
        space = build(SPACES, config["space"])
        final_space = build(SPACES, config["final_space"]) if "final_space" in config else space
        if final_space.decisions != space.decisions:
            raise ValueError(f"benchmark {config['id']!r}: space and final_space must have the same decisions")
        return cls(
            id=config["id"],
            task=config["task"],
            space=space,
            final_space=final_space,
            stages=stages,
            final=final,
            reward=build(REWARDS, config["reward"]),
            budget=budget,
            seeds=tuple(config["seeds"]),
            proxy=config.get("proxy") or config["task"],
            gate_config=config.get("gate"),
            baselines=config.get("baselines", {}),
            protocol=config,
        )

    def gate(self) -> Gate | None:
        """A fresh gate; None where every trial goes through all stages."""
        return build(GATES, self.gate_config) if self.gate_config else None

    def protocol_hash(self, fingerprints: tuple[str, ...]) -> str:
        return content_key([rules(self.protocol), fingerprints])


def rules(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """What of a benchmark's entry is fixed under its id: without additions, and places where data lies."""
    return _without_places({name: value for name, value in protocol.items() if name not in ADDITIONS})


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_places(item) for key, item in value.items() if key not in PLACES}
    return [_without_places(item) for item in value] if isinstance(value, list | tuple) else value


def config_folder(name: str) -> Path:
    """The folder of the benchmark with this id, or of a task's first default. Raises ValueError for an unknown name."""
    folder = CONFIGS / DEFAULTS.get(name, (name,))[0]
    if not (folder / "protocol.py").is_file():
        known = sorted(path.parent.name for path in CONFIGS.glob("*/protocol.py"))
        raise ValueError(did_you_mean("benchmark", name, [*DEFAULTS, *known]))
    return folder


def strategy_files(name: str) -> Iterator[Path]:
    """The config files of strategies that `name` (a path, a benchmark's id or a task) stands for."""
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise ValueError(f"there is no config {name}: give a file, a benchmark's id or a task")
        yield path
        return
    folder = path if (path / "protocol.py").is_file() else config_folder(name)
    yield from sorted(file for file in folder.glob("*.py") if file.stem not in ("protocol", "__init__"))


def run_configs(
    name: str, strategies: list[str] | None = None, options: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Config]]:
    """Name and config of each run that `name` (a path, a benchmark's id or a task) and the names of strategies stand for.

    Every strategy of a benchmark, then its baselines; a task stands for all of its embedded benchmarks, each of which plays
    those of the named strategies that it has.
    """
    if Path(name).suffix == ".py":
        if strategies:
            raise ValueError(f"{name} is the config of one strategy: leave out --strategy, or give the benchmark's id")
        config = read_config(next(strategy_files(name)), options)
        yield config.get("name", Path(name).stem), config
        return
    offers = [_offer(benchmark, options) for benchmark in DEFAULTS.get(name, (name,))]
    known = list(dict.fromkeys(one for offer in offers for one in offer))
    for wanted in strategies or ():
        if wanted not in known:
            raise ValueError(did_you_mean(f"strategy of {name}", wanted, known))
    for offer in offers:
        for wanted in strategies or offer:
            if wanted in offer:
                entry = offer[wanted]
                yield wanted, read_config(entry, options) if isinstance(entry, Path) else entry


def _offer(name: str, options: Mapping[str, Any] | None) -> dict[str, Path | Config]:
    """The strategies (files) and baselines (configs) of one benchmark by name."""
    offer: dict[str, Path | Config] = {path.stem: path for path in strategy_files(name)}
    if not offer:
        raise ValueError(f"{name} has no strategy: add a config beside its protocol.py, random_search.py say")
    protocol = read_config(next(strategy_files(name)), options).benchmark
    for baseline, model in protocol.get("baselines", {}).items():
        if baseline in offer:
            raise ValueError(f"{name} has a strategy and a baseline {baseline!r}: give the baseline another name")
        strategy = dict(type="strategies.baseline.Baseline", model=model)
        offer[baseline] = Config(dict(benchmark=protocol, strategy=strategy))
    return offer


def read_config(path: Path, options: Mapping[str, Any] | None = None) -> Config:
    """A config file with `options` (`a.b=c`) merged in.

    Raises ValueError where it does not parse or lacks an entry, or where an option would change nothing.
    """
    for name in options or ():
        if name.split(".")[0] not in ENTRIES:
            raise ValueError(f"the option {name!r} changes nothing: write benchmark.{name} or strategy.{name}")
    try:
        config = Config.fromfile(path)
        if options:
            config.merge_from_dict(dict(options))
    except Exception as error:  # a config is a program: anything may come out of it
        raise ValueError(f"{path} cannot be read as a config: {type(error).__name__}: {error}") from error
    for entry in ENTRIES:
        if entry not in config:
            raise ValueError(f"{path} has no {entry!r}: start from a file in benchmarks/configs")
    return config
