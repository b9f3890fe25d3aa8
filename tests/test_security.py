"""What can run somebody's code is called nowhere but in the places with a reason here (docs/security.md)."""

from __future__ import annotations

import ast
import stat
import zipfile
from pathlib import Path

import pytest
import torch

from benchmarks.records.bundle import MANIFEST, extract
from tasks.detection.voc import read_tree
from tasks.weights import load_checked

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("benchmarks", "core", "search_spaces", "strategies", "tasks", "tools")
RUNS_CODE = (
    "eval",
    "exec",
    "compile",
    "__import__",
    "import_module",
    "exec_module",
    "fromfile",
    "system",
    "unpack_archive",
)
UNPICKLES = ("pickle.load", "pickle.loads", "marshal.loads", "yaml.load", "joblib.load", "pd.read_pickle", "dill.load")
ALLOWED = {
    "benchmarks/catalogue.py": {"fromfile": "a protocol is a program, whoever starts it trusts it"},
    "benchmarks/analysis/comparison.py": {"import_module": "modules of the classes that a trusted protocol has built"},
    "benchmarks/running/devices.py": {"pickle.loads": "what its own processes have left in its own temporary folder"},
    "benchmarks/executors/__init__.py": {"import_module": "a table in the code"},
    "benchmarks/export/files/run.py": {"fromfile": "the config beside it, of the network that one has taken home"},
    "benchmarks/export/package.py": {"exec": "the file that it has just written", "compile": "the same"},
    "benchmarks/export/predictor.py": {
        "import_module": "one of four words",
        "exec_module": "the network that one has taken home",
    },
    "benchmarks/running/job.py": {"import_module": "the modules of a trusted protocol"},
    "benchmarks/site/interface.py": {"import_module": "a table in the code"},
    "core/building.py": {"import_module": "behind only_registered, and the bases of registries"},
    "core/registry.py": {"import_module": "a table in the code"},
    "tools/check_data.py": {"import_module": "one of the tasks' names"},
}


def test_nothing_that_runs_or_unpickles_is_called_without_a_reason() -> None:
    found = set()
    for path in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            call, where = ast.unparse(node.func), f"{name}, line {node.lineno}"
            last, two = call.split(".")[-1], ".".join(call.split(".")[-2:])
            kind = last if last in RUNS_CODE and two != "re.compile" else two if two in UNPICKLES else None
            if kind is not None and (kind != "eval" or call == "eval"):  # a module's, torch's, sets a mode
                assert kind in ALLOWED.get(name, {}), f"{where}: {call}"
                found.add((name, kind))
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert two != "torch.load" or given.get("weights_only") == "True", where
            assert given.get("allow_pickle", "False") == "False", where
    assert found == {(name, kind) for name, reasons in ALLOWED.items() for kind in reasons}


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return open, ("executed", "w")  # type: ignore[return-value]


def test_weights_that_hide_code_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": torch.zeros(1), "b": Trap()}, tmp_path / "final.pth")
    with pytest.raises(ValueError, match=r"^it is cut off, damaged, or holds more than tensors: .*$"):
        load_checked(tmp_path / "final.pth")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("inner", ["<!ENTITY x SYSTEM 'file:///etc/hostname'>", "<!ENTITY x 'red'>", ""])
def test_xml_with_a_doctype_is_refused(tmp_path: Path, inner: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<!DOCTYPE annotation [{inner}]><annotation><object><name>red</name></object></annotation>")
    with pytest.raises(ValueError, match=r"a\.xml has a DOCTYPE, whose entities can stand for anything: remove it"):
        read_tree(path)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_is_packed_as_bundles_are(tmp_path: Path, how: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", how) as archive:
        archive.writestr(MANIFEST, "{}")
    with pytest.raises(
        ValueError, match=r"a\.zip is no bundle that can be read: 'bundle\.json' is packed as no bundle is"
    ):
        extract(tmp_path / "a.zip", tmp_path / "out")


def test_the_list_of_a_bundle_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.records.bundle.MOST_LISTED", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(MANIFEST)
        info.external_attr, info.compress_type = (stat.S_IFREG | 0o644) << 16, zipfile.ZIP_DEFLATED
        archive.writestr(info, " " * 1001)
    with pytest.raises(ValueError, match=r"its bundle\.json has more than 1000 bytes"):
        extract(tmp_path / "a.zip", tmp_path / "out")
