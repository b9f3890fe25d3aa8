"""Configs: every one builds, those of a benchmark differ in the strategy only, unfair or unclear ones are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.benchmark import CONFIGS, DEFAULTS, Benchmark, config_folder, read_config, strategy_files
from strategies import STRATEGIES

FOLDERS = sorted(path.parent for path in CONFIGS.glob("*/protocol.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_configs_of_a_benchmark_differ_in_strategy_only(folder: Path) -> None:
    configs = {path.stem: read_config(path).to_dict() for path in strategy_files(folder.name)}
    assert "random_search" in configs
    protocols = [config["benchmark"] for config in configs.values()]
    assert all(protocol == protocols[0] for protocol in protocols)
    for config in configs.values():
        assert config.keys() == {"benchmark", "strategy"}
        STRATEGIES.build(dict(config["strategy"]))
    assert Benchmark.of(protocols[0]).id == folder.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_docstrings_state_the_command(folder: Path) -> None:
    for path in folder.glob("*.py"):
        assert "run_benchmark.py" in path.read_text().split('"""')[1]


def test_defaults_exist() -> None:
    for task in DEFAULTS:
        assert config_folder(task).is_dir()


def protocol() -> dict[str, Any]:
    return read_config(next(strategy_files("toy"))).to_dict()["benchmark"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(stage=[]), "unknown entry of a benchmark 'stage': did you mean 'stages'"),
        (dict(final=dict(name="final", epochs=1, eval="val")), "sees the split 'val' that the final score is taken on"),
        (dict(final=dict(name="final", epoch=1)), "unexpected keyword argument 'epoch'"),
        (dict(final_space=dict(type="search_spaces.toy.ToySpace", layers=3)), "must have the same decisions"),
    ],
)
def test_unfair_and_unclear_protocols_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Benchmark.of({**protocol(), **change})


def test_a_missing_entry_is_named() -> None:
    config = protocol()
    del config["reward"]
    with pytest.raises(ValueError, match="no 'reward'"):
        Benchmark.of(config)


def test_the_protocol_hash_follows_rules_and_data_but_not_places() -> None:
    def hashed(prints: tuple[str, ...] = ("data",), **task: Any) -> str:
        config = protocol()
        return Benchmark.of({**config, "task": {**config["task"], **task}}).protocol_hash(prints)

    assert hashed() == hashed(root="/somewhere", checkpoint="/else")
    assert hashed() != hashed(noise=5.0)
    assert hashed() != hashed(("other data",))
