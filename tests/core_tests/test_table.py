"""Tables: what is written is read, and nothing damaged is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.table import FOLDER, FORMAT, Schema, Table, every, names, table, write_table


@pytest.fixture
def small(tmp_path: Path) -> Table:
    decisions = (("a", ("x", "y")), ("b", (1, 2, 3)))
    schema = Schema(
        FORMAT, "small", "here", "none", decisions, (1, 4), 2, {"score": True}, {"val": "val", "test": "val"}, ()
    )
    columns = {"code": np.array([0, 1, 5], np.int32), "group": np.array([0, 0, 2], np.int32)}
    values = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    return write_table(tmp_path / "small", schema, {**columns, "val.score": values})


def test_rows_and_choices_belong_together(small: Table) -> None:
    assert list(every(small.decisions))[5] == {"a": "y", "b": 3} == small.choices(2)
    assert small.row({"a": "x", "b": 2}) == 1
    assert small.row({"a": "y", "b": 1}) is None


def test_equal_networks_are_trainings_of_one(small: Table) -> None:
    assert small.groups == {0: [0, 1], 2: [2]}
    assert small.means("test", "score") == {0: (1 + 3 + 5 + 7) / 4, 2: (9 + 11) / 2}


@pytest.mark.parametrize("name", names())
def test_shipped_tables_are_whole(name: str) -> None:
    shipped = table(name)
    assert [shipped.row(shipped.choices(row)) for row in range(0, len(shipped), 97)] == list(range(0, len(shipped), 97))
    for column in shipped.schema.columns:
        assert len(shipped.column(column)) == len(shipped)


def test_shipped_tables_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 20e6


def test_damage_is_found(small: Table) -> None:
    path = small.folder / "val.score.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(ValueError, match=r"is not what table\.json describes"):
        Table(small.folder).metric("val", "score")
    (small.folder / "table.json").write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        Table(small.folder)


@pytest.mark.parametrize(
    ("entry", "value", "same"),
    [("metrics", {"score": False}, False), ("epochs", [1, 5], False), ("images", 7, False), ("source", "there", True)],
)
def test_what_the_schema_says_of_values_makes_another_table(small: Table, entry: str, value: Any, same: bool) -> None:
    path = small.folder / "table.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {entry: value}))
    assert (Table(small.folder).fingerprint == small.fingerprint) == same


@pytest.mark.parametrize(
    ("wrong", "said"), [(dict(epochs=(-1, 4)), "epochs must be at least 1, not -1"), (dict(images=-4), "not -4")]
)
def test_epochs_and_images_are_counted_from_a_first_one(small: Table, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(small.schema, **wrong)


def test_pickles_are_not_read(small: Table) -> None:
    np.save(small.folder / "val.score.npy", np.array([{}], object), allow_pickle=True)
    schema = json.loads((small.folder / "table.json").read_text())
    digest = hashlib.sha256((small.folder / "val.score.npy").read_bytes()).hexdigest()
    schema["columns"]["val.score"]["sha256"] = digest
    (small.folder / "table.json").write_text(json.dumps(schema))
    with pytest.raises(ValueError, match=r"is not what table\.json describes"):
        Table(small.folder).metric("val", "score")


def test_files_outside_the_folder_are_not_read(small: Table, tmp_path: Path) -> None:
    schema = json.loads((small.folder / "table.json").read_text())
    (small.folder / "val.score.npy").rename(tmp_path / "val.score.npy")
    schema["columns"]["val.score"]["file"] = "../val.score.npy"
    (small.folder / "table.json").write_text(json.dumps(schema))
    with pytest.raises(ValueError, match="is not there"):
        Table(small.folder).metric("val", "score")


def test_another_format_and_no_table_are_refused(small: Table, tmp_path: Path) -> None:
    schema = json.loads((small.folder / "table.json").read_text())
    (small.folder / "table.json").write_text(json.dumps({**schema, "format": 2}))
    with pytest.raises(ValueError, match="format 2"):
        Table(small.folder)
    with pytest.raises(OSError, match="there is no table"):
        Table(tmp_path / "nothing")
