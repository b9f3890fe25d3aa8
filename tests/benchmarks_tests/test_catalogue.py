"""From names to configs: ids, groups, folders, somebody's own file, dumped runs, and options that change something."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalogue import CONFIGS, benchmarks, groups, read_protocol, run_configs

OWN = """
from mmengine.config import read_base

from strategies.random_search import RandomSearch

with read_base():
    from .protocol import *

strategy = dict(type=RandomSearch)
"""


@pytest.mark.parametrize("name", benchmarks())
def test_docstrings_state_the_command(name: str) -> None:
    text = ast.get_docstring(ast.parse((CONFIGS / name / "protocol.py").read_text())) or ""
    assert text.startswith(f"{name}: ")
    assert "run_benchmark.py" in text
    assert [path.name for path in (CONFIGS / name).glob("*.py")] == ["protocol.py"]


def test_a_task_has_embedded_benchmarks_and_all_of_them_one_name() -> None:
    found = groups()
    tasks = ("segmentation", "detection", "restoration", "classification", "depth", "keypoints")
    real = {name for task in tasks for name in found[task]}
    assert set(found["embedded"]) == real
    assert found["toy"] == ["toy-v2"]


def test_a_benchmark_plays_all_its_strategies_or_those_that_are_named() -> None:
    everything = dict(run_configs("toy-v2"))
    assert list(everything) == list(read_protocol("toy-v2")["strategies"])
    assert everything["random_search"].keys() == {"benchmark", "strategy"}
    assert [name for name, _ in run_configs("toy", ["ppo", "random_search"])] == ["ppo", "random_search"]


def test_each_benchmark_of_a_group_plays_the_named_strategies_that_it_has() -> None:
    played = [
        (config["benchmark"]["id"], name) for name, config in run_configs("detection", ["plain_fcos", "random_search"])
    ]
    assert played == [
        ("scenes-detection-v3", "plain_fcos"),
        ("scenes-detection-v3", "random_search"),
        ("scenes-ssdlite-v3", "random_search"),
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the toy protocol with somebody's own strategy beside it."""
    (tmp_path / "protocol.py").write_text((CONFIGS / "toy-v2" / "protocol.py").read_text())
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path


def test_a_folder_and_a_file_of_ones_own(folder: Path) -> None:
    assert dict(run_configs(str(folder))) == dict(run_configs("toy-v2"))
    assert dict(run_configs(str(folder / "protocol.py"))) == dict(run_configs("toy-v2"))
    ((name, config),) = run_configs(str(folder / "mine.py"))
    assert name == "mine"
    assert config["strategy"] == {"type": "strategies.random_search.RandomSearch"}
    assert config["benchmark"] == read_protocol("toy-v2")["benchmark"]


def test_a_dumped_run_keeps_its_name_and_seed(tmp_path: Path) -> None:
    dump = dict(name="mine", seed=3, protocol_hash="p", benchmark={"id": "toy-v2"}, strategy={"type": "RandomSearch"})
    (tmp_path / "config.json").write_text(json.dumps(dump))
    kept = {entry: dump[entry] for entry in ("benchmark", "strategy", "seed")}
    assert list(run_configs(str(tmp_path / "config.json"))) == [("mine", kept)]


def test_options_go_to_the_benchmark_to_every_strategy_or_to_one() -> None:
    options = {
        "benchmark.stages.0.recipe.epochs": 7,
        "strategy.x": 1,
        "strategies.ppo.steps": 5,
        "strategies.ppo.x": 2,
    }
    found = dict(run_configs("toy", ["ppo", "darts"], options))
    assert [config["benchmark"]["stages"][0]["recipe"]["epochs"] for config in found.values()] == [7, 7]
    assert found["darts"]["strategy"]["x"] == 1
    assert "steps" not in found["darts"]["strategy"]
    assert dict(run_configs("toy", ["ppo"], {"strategies.ppo": 3}))["ppo"]["strategy"] == 3
    assert (found["ppo"]["strategy"]["x"], found["ppo"]["strategy"]["steps"]) == (2, 5)
    assert read_protocol("toy", {"benchmark.task.noise": 1.5})["benchmark"]["task"]["noise"] == 1.5


def test_options_are_merged_one_after_the_other() -> None:
    def changed(**options: Any) -> Any:
        return read_protocol("toy", {f"benchmark.{name}": value for name, value in options.items()})["benchmark"]

    before = read_protocol("toy")["benchmark"]
    assert changed(**{"budget.trials": 3, "budget": {"images": 500}})["budget"] == {"trials": 3, "images": 500}
    assert changed(**{"seeds.1": 7, "stages.1": {"name": "last"}, "gate": None}) == {
        **before,
        "seeds": [before["seeds"][0], 7, *before["seeds"][2:]],
        "stages": [before["stages"][0], {**before["stages"][1], "name": "last"}, *before["stages"][2:]],
        "gate": None,
    }
    assert changed(**{"space.type": "MBConv", "space._delete_": True})["space"] == {"type": "MBConv"}
    assert changed(space={"type": "MBConv", "_delete_": True})["space"] == {"type": "MBConv"}
    assert read_protocol("toy")["benchmark"] == before


def test_a_benchmark_is_another_one_but_for_what_it_says(tmp_path: Path) -> None:
    base = read_protocol("scenes-segmentation-v2")["benchmark"]
    changed = read_protocol("scenes-ablation-aux-conv-v1")  # like scenes-ablation-v1, which is like the base
    assert changed["benchmark"]["space"] == {**base["space"], "aux": "conv"}
    own = {"id", "seeds", "space"}
    assert {name: value for name, value in changed["benchmark"].items() if name not in own} == {
        name: value for name, value in base.items() if name not in own
    }
    assert "darts" not in changed["strategies"]
    assert set(changed["strategies"]) == set(read_protocol("scenes-ablation-v1")["strategies"])
    mine = tmp_path / "mine.py"
    mine.write_text("like = 'toy-v2'\nbenchmark = {'id': 'mine', 'stages.0.recipe.epochs': 9}\n")
    found, toy = read_protocol(str(mine)), read_protocol("toy-v2")
    assert found["strategies"] == toy["strategies"]
    assert found["benchmark"]["stages"][0]["recipe"]["epochs"] == 9
    assert groups()["toy"] == ["toy-v2"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("like = 'toy-v3'\nbenchmark = {'id': 'x'}", "like 'toy-v3': did you mean 'toy-v2'"),
        ("like = 'toy-v2'\nbenchmark = {'space.layers': 2}", "changes toy-v2.*: give it an id of its own"),
        (
            "like = 'toy-v2'\nbenchmark = {'id': 'x', 'stages.7.name': 'y'}",
            "stages.7.name=y does not fit the config of",
        ),
        ("like = 'toy-v2'\nbenchmark = ['id']", "has no 'benchmark', a dict"),
    ],
)
def test_a_benchmark_like_nothing_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ValueError, match=sentence):
        read_protocol(str(tmp_path / "mine.py"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tooy",), "unknown benchmark 'tooy': did you mean 'toy'"),
        (("nowhere/config.py",), "there is no config nowhere/config.py"),
        (("toy", ["random_serch"]), "unknown strategy of toy 'random_serch': did you mean 'random_search'"),
        (
            ("toy", None, {"budget.trials": 1}),
            "changes nothing: write benchmark.budget.trials or strategy.budget.trials",
        ),
        (("toy", None, {"benchmark.gate": {}}), "benchmark.gate={} does not fit .* {} changes nothing: give None"),
        (("toy", None, {"benchmark.seeds": {}}), "benchmark.seeds={} does not fit .* {} changes nothing"),
        (("toy", None, {"benchmark.seeds": {"a": 1}}), "'a' is no place in a list of"),
        (("toy", None, {"benchmark.id.x": 1}), "'toy-v2' has no entries: give _delete_=True as well to replace it"),
        (("{folder}/named.py",), r"the name in .*named.py \['x'\] names a folder"),
        (("toy", None, {"strategies.pppo.steps": 1}), "unknown strategy in an option 'pppo': did you mean 'ppo'"),
        (
            ("toy", None, {"benchmark.stages.9.recipe": 1}),
            "the option benchmark.stages.9.recipe=1 does not fit the config of toy",
        ),
        (("{folder}/mine.py", ["random_search"]), "unknown strategy of .*mine.py 'random_search': choose one of mine"),
        (("{folder}/mine.py", None, {"strategies.ppo.steps": 1}), "unknown strategy in an option 'ppo'"),
        (("{folder}/broken.py",), "broken.py cannot be read as a config"),
        (
            ("{folder}/calls.py",),
            "calls.py cannot be read as a config: line 2 calls what it imports, which a config can",
        ),
        (("{folder}/empty.py",), "empty.py has no 'benchmark'"),
        (("{folder}/bare.py",), "bare.py has no strategy"),
        (("{folder}/list.py",), r"strategies of .*list.py must be a dict of dicts, not \['ppo'\]"),
    ],
)
def test_what_would_change_nothing_or_is_not_there_is_refused(folder: Path, arguments: tuple, sentence: str) -> None:
    (folder / "broken.py").write_text("benchmark = dict(\n")
    (folder / "calls.py").write_text("from pathlib import Path\nbenchmark = dict(id=Path('roads').name)\n")
    (folder / "empty.py").write_text("x = 1\n")
    (folder / "bare.py").write_text("benchmark = dict(id='x')\n")
    (folder / "named.py").write_text("benchmark = dict(id='x')\nstrategy = dict(type='PPO')\nname = ['x']\n")
    (folder / "list.py").write_text("benchmark = dict(id='x')\nstrategies = ['ppo']\n")
    name, *rest = arguments
    with pytest.raises(ValueError, match=sentence):
        list(run_configs(name.format(folder=folder), *rest))


def test_values_that_a_config_imports_are_values_and_classes_are_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "sizes_beside.py").write_text(
        "import json\nSIZE, NAMES, NONE = (8, 9), {'a': [1]}, None\nclass Mine: ...\n"
    )
    text = "from sizes_beside import Mine, NAMES, NONE, SIZE\nimport sizes_beside as beside\n"
    text += "benchmark = dict(size=SIZE, names=[NAMES, NONE], task=dict(type=Mine, other=Mine, side=beside.SIZE))\n"
    (tmp_path / "mine.py").write_text(text)
    named = "sizes_beside.Mine"
    task = {"type": named, "other": named, "side": [8, 9]}
    found = read_protocol(str(tmp_path / "mine.py"))["benchmark"]
    assert found == {"size": [8, 9], "names": [{"a": [1]}, None], "task": task}
    for name, sentence in (("json", "json, a module, is no plain data"), ("NOTHING", "Failed to import NOTHING")):
        (tmp_path / "mine.py").write_text(f"from sizes_beside import {name}\nbenchmark = dict(size={name})\n")
        with pytest.raises(ValueError, match=sentence):
            read_protocol(str(tmp_path / "mine.py"))
