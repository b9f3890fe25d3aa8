"""The committed results, a page each: the leaderboard as it is kept, figures made of its ledgers, links to the protocols."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.catalogue import benchmarks
from benchmarks.records.committed import TEXT, committed

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
KINDS = {
    "best": "The best reward so far of each search",
    "answers": "What the networks cost that searches answer, and how good they are",
}


def kept() -> dict[str, str]:
    """Of every benchmark with committed results the address of its table, from the protocols' pages."""
    return {
        name: f"../results/{folder.name}.md#{name}"
        for folder in committed()
        for name in HEADING.findall((folder / TEXT).read_text())
    }


def results(folder: Path) -> str:
    """The page of a folder of results; its figures lie beside it."""
    text = HEADING.sub(lambda heading: _illustrated(heading, folder.name), (folder / TEXT).read_text())
    where = f"From the ledgers in `benchmarks/results/{folder.name}`, which a test derives again."
    return f"# {folder.name.capitalize()}\n\n{where}\n\n{text}"


def _illustrated(heading: re.Match[str], folder: str) -> str:
    """The heading of a benchmark's tables with its figure, and its protocol where there is a page of it."""
    known = heading[1] in benchmarks()
    protocol = f"[The protocol](../benchmarks/{heading[1]}.md)\n\n" if known else ""
    drawn = [f"![{what}]({figure_name(folder, heading[1], kind)})" for kind, what in KINDS.items()]
    return f"{heading[0]}\n\n{protocol}{' '.join(drawn)}"


def figure_name(folder: str, benchmark: str, kind: str) -> str:
    return f"{folder}-{benchmark}-{kind}.png"


def figures(folder: Path) -> Iterator[tuple[str, bytes]]:
    """For every benchmark in a folder of results its `KINDS` of figures: their names, and PNGs."""
    from benchmarks.leaderboard import Leaderboard
    from benchmarks.report.figures import answers, best_so_far

    board = Leaderboard.of([folder])
    for benchmark in dict.fromkeys(record.benchmark for record in board.records):
        for kind, draw in zip(KINDS, (best_so_far, answers), strict=True):
            drawn, figure = io.BytesIO(), draw(board.records_of(benchmark))
            figure.savefig(drawn, format="png", dpi=80)
            yield figure_name(folder.name, benchmark, kind), drawn.getvalue()
