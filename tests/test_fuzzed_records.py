"""Whatever stands in a run's files, a protocol, an option or a genotype: it is fine, or refused with one sentence."""

from __future__ import annotations

import contextlib
import copy
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.benchmark import Benchmark
from benchmarks.catalogue import benchmarks, read_protocol, run_configs
from benchmarks.entries import read_answer, read_config, read_study
from benchmarks.leaderboard import Leaderboard
from benchmarks.ledger import Ledger, read_events, read_trials
from benchmarks.records import identity_of
from core import build
from search_spaces import SPACES, FiniteSpace
from strategies import STRATEGIES
from strategies.random_search import RandomSearch

ROOT = Path(__file__).resolve().parents[1]
WRONG: list[Any] = [
    None, True, False, 0, 1, -1, 2**63, -(2**63), 10**400, 0.5, -0.5, 1e308, float("nan"), float("inf"), "", "x", "0", "=cmd",
    "../x", "\ud800", "a\nb", "$x$", [], [1], ["a"], [[]], {}, {"a": 1}, {"type": 3}, {"type": "os.system"}, {"type": ".x"},
]  # fmt: skip


def mutants(value: Any, rng: Random, count: int) -> Iterator[Any]:
    """`count` copies of plain data, each with an entry (or all) replaced, removed, renamed, doubled or added."""
    places = list(paths(value))
    for _ in range(count):
        changed, path = copy.deepcopy(value), rng.choice(places)
        if not path:
            yield copy.deepcopy(rng.choice(WRONG))
            continue
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        kind, last = rng.randrange(5), path[-1]
        if kind == 0:
            del parent[last]
        elif kind == 1 and isinstance(parent, dict):
            parent[f"{last}_"] = parent.pop(last)
        elif kind == 2 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        else:
            parent[last] = copy.deepcopy(rng.choice(WRONG))
        yield changed


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths(item, (*path, key))


def fine_or_refused(call: Callable[[], Any], given: Any) -> bool:
    """Is it fine? Fails where something else than a sentence comes out."""
    try:
        call()
    except ValueError as error:
        if not 0 < len(str(error)) < 2000:
            pytest.fail(f"{error} of {given!r}")
        return False
    except (Exception, SystemExit) as error:
        pytest.fail(f"{type(error).__name__}: {error} of {given!r}"[:500])
    return True


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the toy task, played once."""
    from benchmarks.executors import InlineExecutor
    from benchmarks.run import Run

    config = {"benchmark": {**read_protocol("toy")["benchmark"], "budget": {"trials": 4}}}
    one = Run(
        {**config, "strategy": {"type": "RandomSearch"}}, "random_search", 0, tmp_path_factory.mktemp("runs"), "cpu"
    )
    shared = one.prepare()
    with one.open(InlineExecutor(), 1) as study:
        one.finish(study, RandomSearch().search(study), shared)
    return one.folder


@pytest.mark.parametrize(
    ("name", "read"),
    [("study.json", read_study), ("config.json", read_config), ("answers/0/answer.json", read_answer)],
)
def test_objects(run: Path, tmp_path: Path, name: str, read: Callable[[Path], Any]) -> None:
    path = tmp_path / Path(name).name
    whole = json.loads((run / name).read_text())
    path.write_text(json.dumps(whole))
    assert fine_or_refused(lambda: read(tmp_path), whole)
    refused = 0
    for changed in mutants(whole, Random(0), 150):
        path.write_text(json.dumps(changed))
        refused += not fine_or_refused(lambda: read(tmp_path), changed)
    assert refused > 20
    for text in (b"", b"{", b"\xff", b"[" * 100_000, b'{"a": ' * 50_000, b"9" * 5000):
        path.write_bytes(text)
        assert not fine_or_refused(lambda: read(tmp_path), text)


@pytest.mark.parametrize(("name", "read"), [("trials.jsonl", read_trials), ("events.jsonl", read_events)])
def test_lines(run: Path, tmp_path: Path, name: str, read: Callable[..., Any]) -> None:
    lines = [json.loads(line) for line in (run / name).read_text().splitlines()]
    space, path, refused = build(SPACES, {"type": "ToySpace", "layers": 4}), tmp_path / name, 0
    for changed in mutants(lines, Random(1), 350):
        several = changed if isinstance(changed, list) else [changed]
        path.write_text("".join(json.dumps(line) + "\n" for line in several))
        refused += not fine_or_refused(lambda: read(path, space), changed)
    assert refused > 250
    for text in (b"{\n", b"\xff\n", b"[" * 100_000 + b"\n", b"\n", b"null\n", b"9" * 5000 + b"\n"):
        path.write_bytes(text)
        assert not fine_or_refused(lambda: read(path, space), text)


def test_every_value_of_a_line_counts(run: Path, tmp_path: Path) -> None:
    """Twice the same trial, another space's choices, and what no study leaves are named by file and line."""
    whole = (run / "trials.jsonl").read_text().splitlines()
    space, first = build(SPACES, {"type": "ToySpace", "layers": 4}), json.loads(whole[0])
    for number, changes in enumerate(
        [dict(id=1), dict(status="finished"), dict(reward=float("nan")), dict(reward="1"), dict(reward=None), dict(arch=None),
         dict(arch={"layer0": 3}), dict(key="0" * 16), dict(stages=[{}]), dict(parent=7), dict(id=-1), dict(id=True)]
    ):  # fmt: skip
        path = tmp_path / f"{number}.jsonl"
        path.write_text("\n".join([json.dumps({**first, **changes}), *whole[1:]]) + "\n")
        with pytest.raises(ValueError, match=rf"{number}\.jsonl, line [12] is not a trial"):
            read_trials(path, space)


def test_a_run_of_somebody(run: Path, tmp_path: Path) -> None:
    """The leaderboard, and its check, of a folder with one damaged file."""
    folder = tmp_path / "runs"
    (folder / "answers/0").mkdir(parents=True)
    files = {name: (run / name).read_text() for name in ("config.json", "study.json", "trials.jsonl", "events.jsonl")}
    for name, text in files.items():
        (folder / name).write_text(text)
    assert Leaderboard.of([folder]).problems() == []
    found = 0
    for name, rng in (("config.json", Random(2)), ("study.json", Random(3))):
        for changed in mutants(json.loads(files[name]), rng, 60):
            (folder / name).write_text(json.dumps(changed))

            def shown() -> None:
                nonlocal found
                board = Leaderboard.of([folder])
                assert all((board.markdown(), board.csv(), board.json()))
                found += bool(board.problems())

            found += not fine_or_refused(shown, changed)
        (folder / name).write_text(files[name])
    assert found > 40


def test_protocols() -> None:
    rng, refused = Random(4), 0
    for name in ("toy-v2", "toy-pareto-v2", "toy-constrained-v2", "scenes-denoise-v2", "scenes-segmentation-v2"):
        protocol = json.loads(json.dumps(read_protocol(name)["benchmark"]))
        for changed in mutants(protocol, rng, 80):
            refused += not fine_or_refused(lambda changed=changed: Benchmark(changed), changed)
    assert refused > 150


def test_strategies() -> None:
    rng = Random(5)
    for name in ("toy-v2", "scenes-detection-v3"):
        for config in read_protocol(name)["strategies"].values():
            for changed in mutants(json.loads(json.dumps(config)), rng, 15):
                fine_or_refused(lambda changed=changed: build(STRATEGIES, changed), changed)


def test_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    from command_line import Parser, Settings

    parser, rng, known = (
        Parser(),
        Random(6),
        ["a", "benchmark", "strategy", "strategies", "stages", "0", "-1", "9", "type", ""],
    )
    parser.add_argument("--cfg-options", nargs="+", action=Settings)
    values = [
        "",
        "1",
        "1e400",
        "None",
        "x",
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
    ]
    values += [
        "9" * 5000,
        "[" * 5000,
        "0x10",
        "1_0",
        "'a'",
        "a b",
        "_delete_",
        "\x00",
        "\ud800",
        "lambda: 1",
        "__import__('os')",
    ]
    for _ in range(120):
        name = ".".join(rng.choice([*known, "recipe", "epochs", "space", "layers"]) for _ in range(rng.randrange(1, 5)))
        given = f"{name}={rng.choice(values)}"

        def configs(given: str = given) -> None:
            options: Any = None
            with contextlib.suppress(SystemExit):
                options = parser.parse_args(["--cfg-options", given]).cfg_options
            lines = capsys.readouterr().err.count("\n")
            assert lines == (options is None)
            if options is None:
                return
            json.dumps(options)
            for _, config in run_configs("toy", ["random_search"], options):
                Benchmark(config["benchmark"])
                build(STRATEGIES, config["strategy"])

        fine_or_refused(configs, given)
    sys.modules.pop("command_line", None)


def test_genotypes() -> None:
    rng = Random(7)
    spaces = {json.dumps(read_protocol(name)["benchmark"]["space"], sort_keys=True) for name in benchmarks()}
    for config in sorted(spaces):
        space = build(SPACES, json.loads(config))
        if not isinstance(space, FiniteSpace):
            continue
        arch = space.sample(Random(0)).as_dict()
        genotypes = [*mutants(arch, rng, 15), *WRONG, [[1, 2], 3], [[0, 1, [2]], [3]], "|a~0|+|b~1|", [0] * 50]
        for genotype in [*genotypes, *mutants([[1, [0, 1], [2, 3]], [0, [1, 2]]], rng, 15)]:
            fine_or_refused(lambda: space.architecture(space.read(genotype).as_dict()).key, genotype)  # noqa: B023


def test_two_choices_that_are_equal_and_not_the_same() -> None:
    space = build(SPACES, {"type": "ToySpace", "layers": 4})
    for name, value in space.sample(Random(0)).as_dict().items():
        if isinstance(value, int):
            with pytest.raises(ValueError, match="cannot be"):
                space.architecture({**space.sample(Random(0)).as_dict(), name: float(value)})


def test_the_record_of_another_space_is_refused_before_anything_is_played(run: Path, tmp_path: Path) -> None:
    for name in ("trials.jsonl", "events.jsonl"):
        (tmp_path / name).write_text((run / name).read_text())
    identity = identity_of(json.loads((run / "config.json").read_text()))
    with pytest.raises(ValueError, match=r"trials\.jsonl, line 1 is not a trial \(its choices are none of"):
        Ledger(tmp_path, identity, build(SPACES, {"type": "ToySpace", "layers": 3}))
