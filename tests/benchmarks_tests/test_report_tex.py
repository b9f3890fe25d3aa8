"""Tables for papers: the figures of the leaderboard, and no character that means something to TeX."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from benchmarks.leaderboard import Leaderboard
from benchmarks.report.tex import escaped, tex


def test_every_character_that_means_something_is_escaped() -> None:
    assert escaped("50 % of a_b & #1 $x$ {y} ~ ^") == (
        r"50 \% of a\_b \& \#1 \$x\$ \{y\} \textasciitilde{} \textasciicircum{}"
    )
    assert escaped("\\input{x}\n\\end") == r"\textbackslash{}input\{x\} \textbackslash{}end"
    assert escaped("a\u202eb\x00c < 'd' | \"e\"") == r"abc \textless{} 'd' \textbar{} \textquotedbl{}e\textquotedbl{}"
    assert escaped("1.00 ± 0.50†") == r"1.00 $\pm$ 0.50\textdagger{}"


def test_a_table_a_benchmark(tmp_path: Path, played: Callable[..., Path]) -> None:
    for seed in range(2):
        played(tmp_path, "random_search", seed, [1.0], 30.0 + seed)
        folder = played(tmp_path, "local_search", seed, [1.0], 40.0)
        study = json.loads((folder / "study.json").read_text())
        study["answers"][0]["final"]["metrics"]["50% & more_"] = 3.0
        (folder / "study.json").write_text(json.dumps(study))
    lines = tex(Leaderboard.of([tmp_path])).splitlines()
    rules = [r"\toprule", r"\midrule", r"\bottomrule"]
    assert [line for line in lines if line in rules] == rules
    (head,) = [line for line in lines if line.startswith("rank")]
    assert r"& 50\% \& more\_ &" in head
    rows = [line for line in lines if "search &" in line]
    assert [row.split(" & ")[:3] for row in rows] == [["1", r"local\_search", "2"], ["2", r"random\_search", "2"]]
    assert r"\textbf{40.00 [40.00, 40.00]}" in rows[0]
    places = next(line for line in lines if line.startswith(r"\begin{tabular}"))
    for row in (head, *rows):
        assert row.endswith(r"\\")
        assert row.replace(r"\&", "").count("&") == len(places.split("{")[2].rstrip("}")) - 1
