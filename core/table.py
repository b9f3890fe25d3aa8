"""Recorded results of all networks of a space: columns in files, read without torch and without pickle."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from core.content import content_key
from core.parsing import parse

FOLDER = Path(__file__).parents[1] / "benchmarks" / "tables"  # of the tables that come with this checkout
SCHEMA = "table.json"
FORMAT = 1
CODE, GROUP = "code", "group"  # columns that every table has
LARGEST = 2**62  # answers, each with a code of its own
MOST_RUNS = 1000
Choice = int | float | str


@dataclass(frozen=True)
class Column:
    """A file with the values of all networks, and what is in it."""

    file: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str


@dataclass(frozen=True)
class Schema:
    """`table.json`.

    `decisions` are those of the space in order, each with its choices. `epochs` are those after which metrics were taken,
    `runs` how often a network was trained at most. `metrics` says for each whether more is better. `splits` says for "val",
    which a search sees, and "test" what was recorded: where only one was published, both are the same. `columns` are
    `<split>.<metric>` and perhaps `seconds`, of (networks, runs, epochs), costs, of (networks,), and two that all have: `code`,
    the choices as one number, and `group`, the first row of a network that builds the same.
    """

    format: int
    name: str
    source: str
    licence: str
    decisions: tuple[tuple[str, tuple[Any, ...]], ...]
    epochs: tuple[int, ...]
    runs: int
    metrics: Mapping[str, bool]
    splits: Mapping[str, str]
    costs: tuple[str, ...]
    columns: Mapping[str, Column] = field(default_factory=dict)
    images: int = 0  # that one epoch trains on, 0 where it was not recorded

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"it has the format {self.format}, and this checkout reads {FORMAT}: convert it again")
        if list(self.epochs) != sorted(set(self.epochs)) or not self.epochs or self.runs < 1 or not self.metrics:
            raise ValueError("it must have rising epochs, and at least one run and one metric")
        for what, least, value in (("epochs", 1, self.epochs[0]), ("images", 0, self.images)):
            if value < least:
                raise ValueError(f"its {what} must be at least {least}, not {value}")
        if self.runs > MOST_RUNS:
            raise ValueError(f"it must have at most {MOST_RUNS} runs, not {self.runs}")
        if len(dict(self.decisions)) < len(self.decisions) or not self.decisions:
            raise ValueError("it must have decisions, each once")
        for name, options in self.decisions:
            kinds = {int, float, str}.issuperset(map(type, options))
            if not options or not kinds or len(set(options)) < len(options):
                raise ValueError(f"the choices of {name!r} must be numbers or texts, each once")
        if math.prod(len(options) for _, options in self.decisions) >= LARGEST:
            raise ValueError(f"its decisions must have less than {LARGEST} answers")
        if not {"val", "test"} <= self.splits.keys():
            raise ValueError("its splits must say what stands for 'val' and for 'test'")


class Table:
    """A folder of `table.json` and columns (`.npy`), which are mapped into memory and looked at when they are asked for.

    Raises ValueError where it is damaged, OSError where it is not there.
    """

    def __init__(self, folder: Path):
        self.folder, path = folder, folder / SCHEMA
        if not path.is_file():
            raise FileNotFoundError(f"there is no table {folder}: give a name ({', '.join(names())}) or a folder")
        try:
            content = json.loads(path.read_text())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is no JSON ({error}): build or convert the table again") from None
        self.schema = parse(Schema, content, f"the table {path}")
        self.decisions = dict(self.schema.decisions)
        self._codes = {code: row for row, code in enumerate(self.column(CODE).reshape(-1).tolist())}
        self._weights = weights(self.decisions)
        self._check()

    def __len__(self) -> int:
        return len(self._codes)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what a search reads: all that the schema says but where the table is from, and all values."""
        said = {name: value for name, value in vars(self.schema).items() if name not in ("source", "licence")}
        return content_key(said | {"columns": {name: one.sha256 for name, one in self.schema.columns.items()}})

    @lru_cache  # noqa: B019 - tables live as long as the process
    def column(self, name: str) -> np.ndarray:
        """The values of all networks. Raises ValueError where the file is not the one that the schema describes."""
        column = self.schema.columns.get(name)
        if column is None:
            raise ValueError(
                f"the table {self.schema.name} has no column {name!r}: it has {', '.join(self.schema.columns)}"
            )
        path = self.folder / Path(column.file).name
        wrong = f"{path} is not there, or is not what {SCHEMA} describes: build or convert the table again"
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != column.sha256:
            raise ValueError(wrong)
        try:
            values = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        except Exception:  # a damaged header makes numpy raise anything
            raise ValueError(wrong) from None
        if values.dtype.kind not in "iuf" or (values.shape, values.dtype.name) != (column.shape, column.dtype):
            raise ValueError(wrong)
        return values

    def _check(self) -> None:
        """Raise ValueError where columns are missing, are not of all networks, or name none."""
        schema, count, last = self.schema, len(self), math.prod(map(len, self.decisions.values())) - 1
        seen = [f"{schema.splits['val']}.{metric}" for metric in schema.metrics]
        trained = [*seen, "seconds"] if "seconds" in schema.columns else seen
        others = [f"{split}.{metric}" for split in schema.splits.values() for metric in schema.metrics]
        known = schema.columns.get(seen[0])
        runs = known.shape[1] if known and len(known.shape) == 3 and 0 < known.shape[1] <= schema.runs else schema.runs
        shapes = {name: [(count, some, len(schema.epochs)) for some in range(1, schema.runs + 1)] for name in others}
        shapes |= {name: [(count, runs, len(schema.epochs))] for name in trained}
        shapes |= {name: [(count,)] for name in (CODE, GROUP, *schema.costs)}
        for name, allowed in shapes.items():
            if name not in schema.columns or schema.columns[name].shape not in allowed:
                raise ValueError(
                    f"the table {self.folder} has no column {name!r} of the shape {allowed[-1]}: build it again"
                )
        codes, groups = self.column(CODE), self.column(GROUP)
        if not count or codes.dtype.kind == "f" or codes.min() < 0 or codes.max() > last:
            raise ValueError(f"{CODE!r} of the table {self.folder} must be from 0 to {last}, each once: build it again")
        firsts = np.arange(count)
        if groups.dtype.kind == "f" or ((groups < 0) | (groups > firsts)).any() or (groups[groups] != groups).any():
            raise ValueError(
                f"{GROUP!r} of the table {self.folder} must be first rows of equal networks: build it again"
            )

    def row(self, choices: Mapping[str, Choice]) -> int | None:
        """Where the network of these choices stands; None: it is not in the table."""
        return self._codes.get(coded(choices, self._weights))

    def choices(self, row: int) -> dict[str, Choice]:
        """Of the network in this row."""
        code, found = int(self.column(CODE)[row]), dict[str, Choice]()
        for name, options in reversed(list(self.decisions.items())):
            code, place = divmod(code, len(options))
            found[name] = options[place]
        return {name: found[name] for name in self.decisions}

    @cached_property
    def groups(self) -> dict[int, list[int]]:
        """The rows of all that build one network, by the first of them: as many trainings of it."""
        groups: dict[int, list[int]] = {}
        for row, first in enumerate(self.column(GROUP).tolist()):
            groups.setdefault(first, []).append(row)
        return groups

    def training(self, row: int, seed: int | str) -> tuple[int, int]:
        """One of the trainings of the network in this row, drawn by the seed: its row and run."""
        known = self.metric("val", next(iter(self.schema.metrics)))
        rows = self.groups[int(self.column(GROUP)[row])]
        made = [(row, run) for row in rows for run in range(known.shape[1]) if not math.isnan(known[row, run, -1])]
        return made[Random(seed).randrange(len(made))] if made else (rows[0], 0)

    def metric(self, split: str, name: str) -> np.ndarray:
        """The values (networks, runs, epochs) of a metric; NaN where a run was not made."""
        return self.column(f"{self.schema.splits[split]}.{name}")

    def means(self, split: str, name: str) -> dict[int, float]:
        """For each different network, by its first row, the mean after the last epoch over all trainings of it."""
        values = self.metric(split, name)[..., -1]
        return {first: float(np.nanmean(values[rows])) for first, rows in self.groups.items()}


@lru_cache(maxsize=8)
def table(place: str) -> Table:
    """The table of a name (one that comes with this checkout) or of a folder. Raises ValueError or OSError."""
    return Table(FOLDER / place if place in names() else Path(place))


def names() -> list[str]:
    """The tables that come with this checkout."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{SCHEMA}"))


def weights(decisions: Mapping[str, Sequence[Choice]]) -> dict[str, dict[Choice, int]]:
    """What each choice adds to a code, in which the first decision counts most."""
    found, factor = dict[str, dict[Choice, int]](), 1
    for name, options in reversed(list(decisions.items())):
        found[name] = {choice: place * factor for place, choice in enumerate(options)}
        factor *= len(options)
    return found


def coded(choices: Mapping[str, Choice], weights: Mapping[str, Mapping[Choice, int]]) -> int:
    """Choices as one number."""
    return sum([added[choices[name]] for name, added in weights.items()])  # asked a hundred thousand times


def every(decisions: Mapping[str, Sequence[Choice]]) -> Iterator[dict[str, Choice]]:
    """All combinations of choices, in the order of their codes."""
    return (dict(zip(decisions, chosen, strict=True)) for chosen in product(*decisions.values()))


def write_table(folder: Path, schema: Schema, columns: Mapping[str, np.ndarray]) -> Table:
    """Leave a table in a new folder, the schema last. Raises ValueError, and leaves nothing, where it would be none."""
    folder.mkdir(parents=True)
    described = {}
    try:
        for name, values in columns.items():
            path = folder / f"{name}.npy"
            np.save(path, values, allow_pickle=False)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            described[name] = Column(path.name, values.shape, values.dtype.name, digest)
        whole = {**asdict(schema), "columns": {name: asdict(column) for name, column in described.items()}}
        (folder / SCHEMA).write_text(json.dumps(whole, indent=1) + "\n")
        return Table(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
