"""The committed results, a page each: the leaderboard as it is kept, the figure made of its ledgers, links to the protocols."""

from __future__ import annotations

import io
import re
from pathlib import Path

from benchmarks.catalogue import benchmarks
from benchmarks.committed import TEXT, committed

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def kept() -> dict[str, str]:
    """Of every benchmark with committed results the address of its table, from the protocols' pages."""
    return {
        name: f"../results/{folder.name}.md#{name}"
        for folder in committed()
        for name in HEADING.findall((folder / TEXT).read_text())
    }


def results(folder: Path) -> str:
    """The page of a folder of results; its figure lies beside it."""
    text = HEADING.sub(_linked, (folder / TEXT).read_text())
    return (
        f"# {folder.name.capitalize()}\n\nFrom the ledgers in `benchmarks/results/{folder.name}`, which a test derives again.\n"
        f"\n![The best reward so far of each search]({folder.name}.png)\n\n{text}"
    )


def _linked(heading: re.Match[str]) -> str:
    known = heading[1] in benchmarks()
    return f"{heading[0]}\n\n[The protocol](../benchmarks/{heading[1]}.md)" if known else heading[0]


def figure(folder: Path) -> bytes:
    """The best reward so far of every search in a folder of results, as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from benchmarks.figures import best_so_far
    from benchmarks.records import read_records

    drawn = io.BytesIO()
    best_so_far(read_records([folder])).savefig(drawn, format="png", dpi=80)
    return drawn.getvalue()
