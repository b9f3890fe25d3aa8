"""The tables for a paper: booktabs, one a benchmark, with every character that means something to TeX escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from benchmarks.leaderboard import Leaderboard
from benchmarks.report.cells import Cell, Table, tables_of
from benchmarks.report.rows import notices

HEAD = "% With \\usepackage{booktabs} and \\usepackage[T1]{fontenc}; put a table that is too wide into \\resizebox.\n"
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "±": r"$\pm$", "†": r"\textdagger{}",
}  # fmt: skip
MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # that turn the direction of a text around


def tex(board: Leaderboard) -> str:
    """The results of every benchmark, best first; bold as in `leaderboard.md`."""
    parts = [HEAD]
    for benchmark, rows in groupby(board.rows, key=lambda row: row["benchmark"]):
        mine, records = list(rows), board.records_of(benchmark)
        warned = "".join(f"% {notice}\n" for notice in notices(records))
        parts.append(warned + _table(benchmark, tables_of(mine, records)[0]))
    return "\n".join(parts)


def escaped(text: str) -> str:
    """A text as TeX prints it, in one line, without marks and control characters."""
    plain = "".join(one for one in " ".join(MARKS.sub("", text).split()) if one.isprintable())
    return "".join(SPECIAL.get(one, one) for one in plain)


def _table(benchmark: str, table: Table) -> str:
    numbers = "".join("l" if _words(column) else "r" for column in zip(*table.rows, strict=True))
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(benchmark)}}}",
        rf"\begin{{tabular}}{{{numbers}}}",
        r"\toprule",
        _row(map(escaped, table.columns)),
        r"\midrule",
        *(_row(map(_cell, row)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _words(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell.key, str) for cell in cells)


def _cell(cell: Cell) -> str:
    return rf"\textbf{{{escaped(cell.text)}}}" if cell.strong else escaped(cell.text)


def _row(cells: Iterable[str]) -> str:
    return f"{' & '.join(cells)} \\\\"
