"""The page in a browser: figures are drawn, tables sort and are filtered, nothing is said on the console."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.leaderboard import Leaderboard
from benchmarks.report.page import page

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=8000 --window-size=390,5000 --dump-dom"
)
NAME = 'score </script><script>alert(1)</script>\\" + "\n\u202e\'{{'
LISTEN = """<script>
window.seen = {messages: []};
window.IntersectionObserver = class { // without a window nothing comes into view
  constructor(told) { this.told = told; }
  observe(target) { this.told([{isIntersecting: true, target}]); }
};
for (const kind of ["error", "securitypolicyviolation", "unhandledrejection"])
  addEventListener(kind, (event) => seen.messages.push(`${kind} ${event.message ?? event.blockedURI ?? event.reason}`));
for (const kind of ["log", "warn", "error"]) console[kind] = (...words) => seen.messages.push(words.join(" "));
</script>"""
ACT = """<script>
const rows = () => [...document.querySelectorAll("table")[0].tBodies[0].rows].filter((row) => !row.hidden);
const shown = (column) => rows().map((row) => row.cells[column].textContent);
const heads = [...document.querySelectorAll("table")[0].tHead.rows[0].cells];
const place = heads.findIndex((head) => head.textContent.startsWith("score"));
heads[place].firstChild.focus();
document.activeElement.click();
seen.up = [shown(place), heads[place].getAttribute("aria-sort")];
document.activeElement.click();
seen.down = [shown(place), heads[place].getAttribute("aria-sort")];
const field = document.querySelector("input");
field.value = "RANDOM";
field.dispatchEvent(new Event("input"));
seen.filtered = [shown(1), document.querySelector("output").value];
document.getElementById("theme").click();
setTimeout(() => {
  const drawn = document.querySelectorAll(".chart svg.marks").length;
  const wide = document.documentElement.scrollWidth > innerWidth;
  const pre = document.createElement("pre");
  pre.id = "seen";
  pre.textContent = JSON.stringify({...seen, drawn, wide, theme: document.documentElement.dataset.theme});
  document.body.append(pre);
}, 4000);
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_in_a_browser(tmp_path: Path, played: Callable[..., Path]) -> None:
    for strategy, final in (("random_search", 9.501), ("ppo", 100.25), ("nsga2", 9.504), ("local_search", None)):
        for seed in range(2):
            played(tmp_path / "runs", strategy, seed, [1.0, 2.0, 3.0], *([] if final is None else [final]))
    for path in (tmp_path / "runs").rglob("study.json"):  # a metric, a class and a decision of any name
        path.write_text(path.read_text().replace('"score"', json.dumps(NAME)))
        home = path.parent / "answers/0"
        home.mkdir(parents=True)
        confusion = {"classes": ["a", NAME], "counts": [[1, 0], [2, 3]]}
        (home / "report.json").write_text(json.dumps({"curve": [{"epoch": 1, NAME: 0.5}], "confusion": confusion}))
    for path in (tmp_path / "runs").rglob("trials.jsonl"):
        path.write_text(path.read_text().replace('"layer0.kernel"', json.dumps(NAME)))
    text = page(Leaderboard.of([tmp_path / "runs"]))
    charts = text.count('class="scroll chart"')
    head, title, rest = text.partition("<title>")
    body, end, _ = rest.rpartition("</body>")  # Vega's script has others
    (tmp_path / "index.html").write_text(f"{head}{LISTEN}{title}{body}{ACT}{end}")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [str(CHROMIUM), *QUIET.split(), profile, (tmp_path / "index.html").as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(r'<pre id="seen">(.*?)</pre>', dom)
    assert match is not None
    seen: dict[str, Any] = json.loads(html.unescape(match[1]))
    low, high = "9.50 [9.50, 9.50]", "100.25 [100.25, 100.25]"
    assert seen["up"] == [[low, low, high, ""], "ascending"]
    assert seen["down"] == [[high, low, low, ""], "descending"]
    assert seen["filtered"] == [["random_search"], "1 of 4"]
    assert (seen["messages"], seen["wide"], seen["theme"]) == ([], False, "dark")
    assert seen["drawn"] == charts
