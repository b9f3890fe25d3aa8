"""The page: it opens on the winner, is sorted by what is not rounded, loads nothing, and shows every name as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from benchmarks.leaderboard import Leaderboard
from benchmarks.report import summary, vega
from benchmarks.report.page import page, section, write_page

HOSTILE = "<script>alert(1)</script>\"'&\n\u202eabc</bdi>{{ 7 * 7 }}\\"
VOID = {"meta", "input", "img", "br", "link", "base"}


class Tree(HTMLParser):
    """What a browser sees: elements with their attributes, and the text in those that are asked for."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def inside(self, tag: str) -> str:
        return "".join(text for where, text in self.texts if where == tag)


def change(folder: Path, name: str, entry: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads((folder / name).read_text())
    entry(content)
    (folder / name).write_text(json.dumps(content))


def metrics(study: dict[str, Any]) -> dict[str, float]:
    return study["answers"][0]["final"]["metrics"]


@pytest.fixture
def runs(tmp_path: Path, played: Callable[..., Path]) -> Path:
    for seed in range(3):
        played(tmp_path, "random_search", seed, [10.0, 30.0, 20.0], 30.0 + seed)
        played(tmp_path, "regularized_evolution", seed, [10.0, 40.0, 15.0], 44.123456 + seed / 8)
    played(tmp_path, "nsga2", 0, [9.0])
    return tmp_path


def made(*folders: Path) -> str:
    return page(Leaderboard.of(folders))


def opening(*folders: Path) -> Any:
    board = Leaderboard.of(folders)
    return section(board.rows, board.records).summary


def test_it_opens_on_the_winner_and_what_it_cost(runs: Path) -> None:
    found = opening(runs)
    text = " ".join(found.sentences)
    assert (found.winner, found.primary, found.score) == ("regularized_evolution", "score", "44.25 [44.12, 44.37]")
    assert "Against random search it is 42.74 % better (p = 0.25 after Holm's correction, so it may be chance)" in text
    assert "Not all studies are finished: nsga2." in text
    assert dict(found.figures)["search, images"] == "300.00"
    html = made(runs)
    assert html.index("regularized_evolution</bdi> is first on") < html.index("<table")


def test_it_says_where_random_search_wins_is_missing_or_has_one_seed(
    runs: Path, tmp_path: Path, played: Callable[..., Path]
) -> None:
    assert "There is no finished random_search" in " ".join(opening(runs / "regularized_evolution").sentences)
    assert "no other finished strategy" in " ".join(opening(runs / "random_search").sentences)
    one = " ".join(opening(runs / "regularized_evolution/seed0", runs / "random_search/seed0").sentences)
    assert "that of one seed, so without an interval" in one
    assert "on the one seed that both have, which no test can judge" in one
    for seed in range(3):
        played(tmp_path / "worse", "ppo", seed, [1.0], 20.0 + seed)
    worse = opening(runs / "random_search", tmp_path / "worse")
    board = Leaderboard.of([runs / "random_search", tmp_path / "worse"])
    found = section(board.rows, board.records).pair
    assert found is not None
    assert found.other is not None
    assert (found.winner.strategy, found.other.strategy) == ("random_search", "ppo")
    assert worse.winner == "random_search"
    assert "Nothing beats random search: the next, ppo, is 32.26 % worse (p = 0.25" in " ".join(worse.sentences)


def test_it_says_where_random_search_comes_to_nothing_or_is_first_by_a_seed_of_its_own(
    tmp_path: Path, played: Callable[..., Path]
) -> None:
    zero, alone = tmp_path / "zero", tmp_path / "alone"
    for seed in range(2):
        played(zero, "random_search", seed, [1.0], 0.0)
        played(zero, "ppo", seed, [1.0], 5.0)
        played(alone, "ppo", seed, [1.0], 12.0)
    for seed, final in enumerate((10.0, 10.0, 40.0)):
        played(alone, "random_search", seed, [1.0], final)
    sentences = " ".join(opening(zero).sentences)
    assert "Random search comes to 0, of which there is no percentage." in sentences
    assert "no finished seed" not in sentences
    change(zero / "ppo/seed0", "study.json", lambda study: metrics(study).update(score=-5.0))
    change(zero / "ppo/seed1", "study.json", lambda study: metrics(study).update(score=-5.0))
    assert "Nothing beats random search. Random search comes to 0" in " ".join(opening(zero).sentences)
    said = "Random search is first by its mean, but ppo is 20.00 % better on the seeds that both have (p = 0.5"
    assert said in " ".join(opening(alone).sentences)


def test_a_network_that_nobody_searched_may_win(runs: Path, tmp_path: Path, played: Callable[..., Path]) -> None:
    played(tmp_path / "plain", "unet", 0, [], 99.0)
    found = opening(runs, tmp_path / "plain")
    assert (found.winner, dict(found.figures)["search"]) == ("unet", "none")
    assert "is first on" in made(runs, tmp_path / "plain")


def test_unfinished_runs_alone_have_no_winner(runs: Path) -> None:
    html = made(runs / "nsga2")
    assert "no winner yet" in html
    assert "No study is finished yet: 1 run recorded." in html
    assert "0 of 1" in html


def test_less_is_better_where_the_study_says_so(tmp_path: Path, played: Callable[..., Path]) -> None:
    for strategy, final in (("random_search", 5.0), ("ppo", 4.0)):
        for seed in range(2):
            played(tmp_path, strategy, seed, [-final], final - seed, higher_is_better=False)
    found = opening(tmp_path)
    assert (found.winner, found.score) == ("ppo", "3.50 [3.00, 4.00]")
    board = Leaderboard.of([tmp_path])
    drawn = section(board.rows, board.records).pair
    assert drawn is not None
    assert drawn.winner.seed == 1
    assert "less is better" in " ".join(found.sentences)


def keys(html: str, column: str) -> list[str | None]:
    """What the rows of the first table are sorted by in a column; None: nothing is known."""
    table = html[html.index("<table") : html.index("</table>")]
    names = re.findall(r"<th scope=\"col\"><button type=\"button\"><bdi>(.*?)</bdi>", table)
    rows = [re.findall(r"<td(.*?)>", row) for row in re.findall(r"<tr><td.*?</tr>", table)]
    found = [re.search(r'data-key="(.*?)"', row[names.index(column)]) for row in rows]
    return [one and one[1] for one in found]


def test_tables_are_sorted_by_what_is_not_rounded(runs: Path) -> None:
    html = made(runs)
    assert keys(html, "score")[:2] == ["44.248456", "31.0"]
    assert keys(html, "seeds") == ["3", "3", "0"]
    assert keys(html, "trials") == ["9", "9", "1"]


def test_an_empty_metric_is_empty_and_comes_last(runs: Path) -> None:
    change(runs / "random_search/seed0", "study.json", lambda study: metrics(study).update(mAcc=0.0))
    html = made(runs)
    assert keys(html, "mAcc") == [None, "0.0", None]
    assert "<td><bdi></bdi></td>" in html


def test_scores_are_compared_before_they_are_rounded(tmp_path: Path, played: Callable[..., Path]) -> None:
    played(tmp_path, "random_search", 0, [1.0], 50.001)
    played(tmp_path, "ppo", 0, [1.0], 50.004)
    found = opening(tmp_path)
    assert (found.winner, found.score) == ("ppo", "50.00")
    assert keys(made(tmp_path), "score") == ["50.004", "50.001"]


def test_the_best_epoch_of_a_final_training_stays_out_of_tables(runs: Path) -> None:
    home = runs / "regularized_evolution/seed0/answers/0"
    home.mkdir(parents=True)
    plain = Leaderboard.of([runs])
    (home / "report.json").write_text(json.dumps({"curve": [{"epoch": 1, "score": 99.5}, {"epoch": 2, "score": 44.1}]}))
    board = Leaderboard.of([runs])
    assert board.rows == plain.rows
    assert section(board.rows, board.records).summary == section(plain.rows, plain.records).summary


def test_nothing_is_loaded_from_elsewhere(runs: Path) -> None:
    tree = Tree(made(runs))
    for tag, attributes in tree.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert not re.search(r"url\(|@import", tree.inside("style"))
    (policy,) = (one["content"] for tag, one in tree.elements if tag == "meta" and one.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_hostile_names_are_shown_and_break_nothing(runs: Path) -> None:
    """In a metric, a device, a version and, as only the names of studies are checked, in choices of a space of somebody."""
    plain = Tree(made(runs))
    for folder in runs.glob("*/seed*"):
        if (folder / "study.json").exists():
            change(folder, "study.json", lambda study: metrics(study).update({HOSTILE: 3.0}))
            change(folder, "study.json", lambda study: study["answers"][0].update(arch={HOSTILE: HOSTILE}))
            change(folder, "study.json", lambda study: study.update(device=HOSTILE, primary=HOSTILE, commit=HOSTILE))
        change(folder, "config.json", lambda config: config["benchmark"].update(space={"type": HOSTILE}))
    tree = Tree(made(runs))
    scripts = [len([tag for tag, _ in one.elements if tag == "script"]) for one in (plain, tree)]
    assert scripts[0] == scripts[1]
    assert not any(name.startswith("on") for _, attributes in tree.elements for name in attributes)
    assert HOSTILE in tree.inside("bdi")
    assert all(HOSTILE not in text for where, text in tree.texts if where != "bdi")
    specs = re.findall(r'<script type="application/json">(.*?)</script>', made(runs), re.DOTALL)
    names = [title for spec in specs for title in titles(json.loads(spec)) if "alert" in title]
    assert names
    assert all(title.isprintable() and not set(title) & set('\\"') for title in names)


def titles(spec: Any) -> list[str]:
    """Vega-Lite writes titles into expressions without escaping them."""
    if not isinstance(spec, dict | list):
        return []
    own = [spec["title"]] if isinstance(spec, dict) and isinstance(spec.get("title"), str) else []
    return own + [title for item in (spec.values() if isinstance(spec, dict) else spec) for title in titles(item)]


def test_a_class_that_a_record_names_is_not_imported(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (runs / "trap_of_records.py").write_text("raise SystemExit('it was run')")
    monkeypatch.syspath_prepend(runs)
    for folder in runs.glob("*/seed*"):
        spaces = {"type": "Subset", "space": {"type": "trap_of_records.Space"}, "choices": {}}
        change(folder, "config.json", lambda config, spaces=spaces: config["benchmark"].update(space=spaces))
    assert "layer0" in made(runs)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(9_999, "9,999"), (12_345, "12.3 k"), (999_400, "999 k"), (999_600, "1 M"), (999.6e6, "1 G"), (1.2e12, "1.2 T")],
)
def test_large_numbers_have_three_digits_and_a_unit(value: float, shown: str) -> None:
    (size,) = summary._sizes({"params": {"mean": value}})
    assert size == ("parameters", shown)


def test_two_protocols_are_noticed(runs: Path) -> None:
    assert "different protocols" not in made(runs)
    change(runs / "random_search/seed0", "config.json", lambda config: config.update(protocol_hash="q"))
    assert "played under 2 different protocols" in made(runs)


def test_different_settings_of_a_strategy_are_noticed(runs: Path) -> None:
    assert "had different settings" not in made(runs)
    change(runs / "random_search/seed0", "config.json", lambda config: config["strategy"].update(batch=2))
    assert "The studies of random_search had different settings" in made(runs)


def test_it_says_how_it_was_run(runs: Path) -> None:
    html = made(runs)
    assert "run_benchmark.py toy-v2 --strategy regularized_evolution --seed 0 1 2 --work-dir runs" in html
    assert "nsga2: 0 (unfinished)" in html
    change(runs / "nsga2/seed0", "config.json", lambda config: config.update(name="mine"))
    assert "# FILE: the config in which mine was written" in made(runs)
    for file in (*runs.glob("*/seed*/config.json"), *runs.glob("*/seed*/study.json")):
        file.write_text(file.read_text().replace('"toy-v2"', '"mine-v1"'))
    html = made(runs)
    assert "# FILE: the config in which mine-v1 was written" in html
    assert "run_benchmark.py FILE --strategy regularized_evolution --seed 0 1 2 --work-dir runs" in html
    assert "percentile bootstrap" in html


def test_vegas_script_is_kept_and_made_anew_where_it_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = iter(["one\r\n", "two"])
    monkeypatch.setattr(vega, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(vega.vl_convert, "javascript_bundle", lambda snippet: next(made))
    assert [vega.script(), vega.script()] == ["one\r\n"] * 2
    (path,) = (tmp_path / "cache").iterdir()
    path.write_text(path.read_text() + "alert(1)")
    assert [vega.script(), vega.script()] == ["two"] * 2


def test_files(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_page(Leaderboard.of([runs]), out)
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "leaderboard.tex"]
    assert (out / "index.html").stat().st_size < 1_500_000
