"""Readers of what runs are begun with: protocols, strategies, config files, settings on the command line, genotypes."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import mutators as m
from hypothesis import strategies as st
from toy_runs import STRATEGY, TOY, plain, wrote
from verdict import Reader

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import benchmarks, read_protocol, run_configs
from benchmarks.run import Run
from core import build
from search_spaces import SPACES, FiniteSpace
from strategies import STRATEGIES

TOOLS = Path(__file__).parents[2] / "tools"
PROTOCOLS = (
    "toy-pareto-v2",
    "toy-constrained-v2",
    "scenes-denoise-v2",
    "scenes-segmentation-v2",
    "camvid-distilled-v1",
)


def protocols(folder: Path) -> Reader:
    sound = [plain(name)["benchmark"] for name in PROTOCOLS]
    return Reader(sound[0], st.one_of(*map(m.changed, sound)), Benchmark)


def strategies(folder: Path) -> Reader:
    sound = [one for name in ("toy-v2", "scenes-detection-v3") for one in plain(name)["strategies"].values()]
    return Reader(sound[0], st.one_of(*map(m.changed, sound)), lambda given: build(STRATEGIES, given))


def config_files(folder: Path) -> Reader:
    """A config file, up to where its run would begin."""
    path = folder / "mine.json"
    more = {"strategies": {"evolution": STRATEGY}, "custom_imports": {"imports": ["json"]}, "vis_backends": []}
    sound: dict[str, Any] = {"benchmark": TOY, **more}

    def read(given: bytes) -> None:
        for name, config in run_configs(str(path)):
            Run(config, name, 0, folder / "out", "cpu").prepare()

    names = sys.path
    sys.path = [*names, str(folder)]  # where a config's own modules may lie is remembered by the path
    return Reader(m.written(sound), m.documents(sound), read, wrote(path))


def options(folder: Path) -> Reader:
    """Settings on the command line, for a benchmark's config."""
    sys.path.insert(0, str(TOOLS))
    from command_line import Parser, Settings

    path, parser = folder / "mine.json", Parser()
    path.write_text(json.dumps({"benchmark": TOY, "strategies": {"evolution": STRATEGY}}))
    parser.add_argument("--cfg-options", nargs="+", action=Settings)
    parts = [
        "benchmark",
        "strategy",
        "strategies",
        "stages",
        "0",
        "-1",
        "9",
        "type",
        "",
        "recipe",
        "epochs",
        "space",
        "layers",
    ]
    parts += [
        "benchmark.stages.0.recipe",
        "benchmark.space",
        "benchmark.reward",
        "strategies.evolution",
        "benchmark.task",
    ]
    texts = [
        "1e400",
        "None",
        "a,b",
        "[1,",
        "(" * 500,
        "{1}",
        "1j",
        "b'x'",
        "...",
        "{'a': 1}",
        "{1: 2}",
        "=",
        "nan",
        "9" * 5000,
    ]
    texts += [
        "[" * 5000,
        "0x10",
        "1_0",
        "'a'",
        "a b",
        "_delete_",
        "lambda: 1",
        "__import__('os')",
        "-" * 500 + "1",
        *m.TEXTS,
    ]
    real = [
        "budget.trials",
        "seeds",
        "space.layers",
        "stages.0.recipe.epochs",
        "gate.tolerance",
        "task.noise",
        "reward.name",
        "id",
    ]
    name = st.one_of(
        st.sampled_from(real).map("benchmark.{}".format),
        st.lists(st.sampled_from(parts), min_size=1, max_size=3).map(".".join),
    )
    value = st.one_of(st.sampled_from(["1", "2", "0.5", "[0, 1]", "7"]), st.sampled_from(texts), st.text(max_size=8))
    pair = st.builds("{}={}".format, name, value)
    inputs = st.lists(st.one_of(pair, pair, pair, st.text(max_size=12)), min_size=1, max_size=3)

    def read(given: list[str]) -> None:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                chosen: Any = parser.parse_args(["--cfg-options", *given], argparse.Namespace()).cfg_options
        except SystemExit as left:
            raise ValueError(said.getvalue().removesuffix("\n")) from left
        for _, config in run_configs(str(path), None, chosen):
            Benchmark(config["benchmark"])
            build(STRATEGIES, config["strategy"])

    return Reader(["benchmark.budget.trials=7"], inputs, read)


def genotypes(folder: Path) -> Reader:
    """Architectures of every space that a protocol has."""
    configs = sorted({json.dumps(read_protocol(name)["benchmark"]["space"], sort_keys=True) for name in benchmarks()})
    spaces = [build(SPACES, json.loads(config)) for config in configs]
    odd = [[[1, 2], 3], [[0, 1, [2]], [3]], "|a~0|+|b~1|", "[[1,2],3]", [0] * 50, [[1, [0, 1], [2, 3]], [0, [1, 2]]]]
    inputs = []
    for place, space in enumerate(spaces):
        wild = st.one_of(m.changed(odd), st.sampled_from(odd), m.changed(odd[-1]), st.text(max_size=20))
        inputs += [st.tuples(st.just((place, True)), wild)]
        if isinstance(space, FiniteSpace):
            inputs += [st.tuples(st.just((place, False)), m.changed(space.sample(Random(0)).as_dict()))]

    def read(given: tuple[tuple[int, bool], Any]) -> None:
        (place, published), genotype = given
        space = spaces[place]
        if published:
            assert space.architecture(space.read(genotype).as_dict()).key
        elif isinstance(genotype, dict):
            assert space.architecture(genotype).key

    first = next(place for place, space in enumerate(spaces) if isinstance(space, FiniteSpace))
    return Reader(((first, False), spaces[first].sample(Random(0)).as_dict()), st.one_of(*inputs), read)


READERS: list[Callable[[Path], Reader]] = [protocols, strategies, config_files, options, genotypes]
