"""The documentation keeps to the code: snippets parse, commands have the options that they are given, links lead somewhere."""

from __future__ import annotations

import argparse
import ast
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from stranger import BLOCK, commands, script

from benchmarks.catalogue import benchmarks, read_protocol, run_configs
from benchmarks.description import benchmark_docstring
from benchmarks.site.protocols import markdown

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("benchmarks/**/README.md"),
]
INLINE = re.compile(r"`((?:python )?(?:tools/)?\w+\.py [^`]+)`")
COMMAND = re.compile(r"(?:^|\s)(?:tools/)?(\w+)\.py(?: |$)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACEHOLDERS = {
    "N": "2",
    "K": "0",
    "TASK": "segmentation",
    "WHAT": "candidate",
    "FORMAT": "nas-bench-201",
}  # others are any text
Blocks = list[tuple[str, str]]


@cache
def blocks(path: Path) -> Blocks:
    return [(language, content) for language, content in BLOCK.findall(path.read_text())]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


class ReadError(Exception):
    """Stands for the work of a tool, once its options are read."""


@pytest.fixture
def options_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """What a tool's own parser makes of a command, of which an `excerpt` may lack something; the tool does nothing else."""
    parse, mains = argparse.ArgumentParser.parse_args, {}
    monkeypatch.syspath_prepend(ROOT / "tools")

    def only_parse(parser: argparse.ArgumentParser, *_: Any) -> None:
        raise ReadError(parse(parser))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_parse)

    def read(command: str, excerpt: bool = False) -> Any:
        found = COMMAND.search(command)
        assert found is not None, command
        name, words = found[1], command[found.end() :].split()
        if name not in mains:
            mains[name] = runpy.run_path(str(ROOT / f"tools/{name}.py"), run_name=name)["main"]
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *(PLACEHOLDERS.get(word, word) for word in words)])
        try:
            mains[name]()
        except ReadError as error:
            return error.args[0]
        except SystemExit:
            told = capsys.readouterr().err
            assert (excerpt, "arguments are required" in told) == (True, True), f"{command}: {told}"
            return None
        raise AssertionError(f"{command} has no options")

    return read


def tool_commands(path: Path) -> Iterator[tuple[str, bool]]:
    """The commands that call one of the tools: those in blocks of a shell, and those in the text, which may be excerpts."""
    whole = [command for language, block in blocks(path) if language in ("", "bash") for command in commands(block)]
    inline = [" ".join(line.split()) for line in INLINE.findall(BLOCK.sub("", path.read_text()))]
    for command, excerpt in (*((one, False) for one in whole), *((one, True) for one in inline)):
        name = COMMAND.search(command)
        if name and (ROOT / f"tools/{name[1]}.py").is_file():
            yield re.sub(r" \[(.*?)\]", r" \1", command), excerpt  # what may be left out is given


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_commands_are_those_of_the_tools(path: Path, options_of: Callable[..., Any]) -> None:
    for command, excerpt in tool_commands(path):
        options = options_of(command, excerpt)
        name = getattr(options, "benchmark", None)
        if "run_benchmark" in command and name is not None and name.islower() and not name.endswith(".py"):
            assert list(run_configs(name, options.strategy, options.cfg_options)), command


def test_commands_of_docstrings_are_those_of_the_tools(options_of: Callable[..., Any]) -> None:
    for name in benchmarks():
        found = [one for _, block in BLOCK.findall(markdown(benchmark_docstring(name))) for one in commands(block)]
        assert found, name
        for command in found:
            options_of(command)


@pytest.mark.parametrize(
    "path", [path for path in WRITTEN if any("python" in pair for pair in blocks(path))], ids=named
)
def test_snippets_parse(path: Path, tmp_path: Path) -> None:
    for language, block in blocks(path):
        if language == "python":
            ast.parse(block)
            if block.startswith("like = "):  # what differs from a benchmark fits it
                (tmp_path / "mine.py").write_text(block)
                assert read_protocol(str(tmp_path / "mine.py"))["benchmark"]["id"]


@cache
def anchors(path: Path) -> set[str]:
    text = BLOCK.sub("", path.read_text())
    words = [
        re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    ]
    return {re.sub(r"[-\s]+", "-", heading) for heading in words}


@pytest.mark.parametrize("path", WRITTEN, ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(BLOCK.sub("", path.read_text())):
        if "://" not in target:
            place, _, anchor = target.partition("#")
            led = (path.parent / place).resolve() if place else path
            assert led.exists(), f"{named(path)}: {target}"
            assert not anchor or anchor in anchors(led), f"{named(path)}: {target}"


def test_the_strangers_hour_is_made_of_the_pages() -> None:
    """`make stranger` plays it."""
    text = script()
    for step in (
        "make install",
        "make benchmark",
        "tools/search.py",
        "tools/predict.py",
        "class Climbing",
        "class Plain(",
    ):
        assert step in text
    assert "DIR" not in text.split()
