"""Networks that were searched for one task, to be trained for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.catalogue import read_protocol, strategies_of
from benchmarks.records.entries import read_config, read_study
from core import build, did_you_mean
from search_spaces import SPACES, SearchSpace

ANEW = ".anew"


class Found(NamedTuple):
    """A network by what its row is called, the settings of the `Baseline` that it is elsewhere, and its space."""

    name: str
    settings: dict[str, Any]
    space: SearchSpace


def found(source: str, anew: bool) -> Iterator[Found]:
    """The answers of a finished run in a folder, or the published network of an id of `verify_published.py`, SEG-0 say.

    Answers begin with the weights that they have learnt there, unless `anew`. Raises ValueError.
    """
    folder = Path(source)
    if not folder.is_dir():
        yield _published(source)
        return
    config = read_config(folder)
    result = read_study(folder, config)
    if config is None or result is None:
        raise ValueError(f"{folder} holds no finished run: give runs/<benchmark>/<strategy>/seed<k>, or a published id")
    benchmark, answers = config["benchmark"], result["answers"]
    space = build(SPACES, benchmark.get("final_space") or benchmark["space"])
    for place, answer in enumerate(answers):
        name = f"{benchmark['id']}.{config['name']}.seed{config['seed']}{f'.{place}' if len(answers) > 1 else ''}"
        if answer["arch"] is None:
            raise ValueError(f"{folder} was not searched, and its network is no answer of a space: give another run")
        weights = folder / "answers" / str(place) / "final.pth"
        if not anew and not weights.is_file():
            raise ValueError(f"there are no weights {weights}: restore them, or give --anew")
        learnt = {} if anew else {"weights": str(weights)}
        yield Found(name + ANEW * anew, {"type": "Baseline", "choices": answer["arch"], **learnt}, space)


def _published(name: str) -> Found:
    from benchmarks.published.networks import PUBLISHED

    known = {one.id: (one.space, one.genotype) for one in PUBLISHED if one.space is not None}
    if name not in known:
        raise ValueError(f"{name} is no folder of a run, and {did_you_mean('published network', name, known)}")
    space, genotype = known[name]
    return Found(name, {"type": "Baseline", "genotype": genotype}, build(SPACES, space))


def transferred(networks: Sequence[Found], target: str, options: dict[str, Any] | None = None) -> dict[str, Any]:
    """The protocol of a benchmark whose strategies are these networks, and what it has itself that nobody searched.

    Raises ValueError where the space of the benchmark has no such networks.
    """
    benchmark = read_protocol(target, options)["benchmark"]
    space = build(SPACES, benchmark.get("final_space") or benchmark["space"])
    for one in networks:
        if type(one.space) is not type(space):
            raise ValueError(
                f"{one.name} is a network of {one.space}, and {benchmark['id']} has {space}: choose another"
            )
    settings: dict[str, dict[str, Any]] = {}
    for one in networks:
        if settings.setdefault(one.name, one.settings) != one.settings:
            raise ValueError(
                f"two networks are called {one.name}, as their runs are: transfer them one after the other"
            )
    plain = {name: one for name, one in strategies_of(target).items() if str(one.get("type")).endswith("Baseline")}
    return {"benchmark": benchmark, "strategies": {**settings, **plain}}
