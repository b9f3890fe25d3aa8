"""Files that runs leave and read again: cut off, malicious, or made by two at a time."""

from __future__ import annotations

import json
import re
import shutil
import time
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.torture.command import Done, facts, finish, kill, play, start
from benchmarks.torture.fault import Settings, hold
from core import content_key

RUN, DARTS = "scenes-segmentation-v2/random_search/seed0", "toy-v2/darts/seed0"
SMALL = (  # the cheapest run that keeps an encoder and its features in a cache and leaves checkpoints
    "task.encoder.pretrain_epochs=0",
    *(f"{stage}.view.share=0.05" for stage in ("stages.0", "stages.1", "final")),
    *(f"stages.{place}.recipe.epochs=1" for place in (0, 1)),
    "final.recipe.epochs=3",
    "budget.trials=1",
    "budget.images=None",
)


def command(work: Path, seed: int = 0, *options: str) -> list[object]:
    asked = ["scenes-segmentation-v2", "--strategy", "random_search", "--seed", seed, "--work-dir", work, "--quiet"]
    return [*asked, "--cfg-options", *(f"benchmark.{option}" for option in (*SMALL, *options))]


@lru_cache
def undisturbed(settings: Settings) -> tuple[Path, list[Any]]:
    """A work folder with its cache, and what a run comes to there. The run itself is gone."""
    work = settings.room("images")
    finish(*command(work))
    found = facts(work / RUN)
    shutil.rmtree(work / RUN)
    return work, found


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


class Malicious:
    """Whoever unpickles it makes a file."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.trace), "w")


def poison(path: Path, trace: Path) -> None:
    import torch

    torch.save({"weights": Malicious(trace)}, path)


def truncated_cache(settings: Settings) -> str:
    work, expected = undisturbed(settings)
    shutil.rmtree(work / RUN, ignore_errors=True)
    entries = sorted(path for path in (work / "cache").iterdir() if not path.name.endswith(".bad"))
    for entry in entries:
        cut(max((path for path in entry.rglob("*") if path.suffix != ".json"), key=lambda path: path.stat().st_size))
    done = finish(*command(work))
    aside = [entry for entry in entries if f"{entry} has another" in done.said and "set aside as" in done.said]
    hold(aside == entries, f"of {len(entries)} entries that were cut {len(aside)} were set aside: {done.last}")
    hold(facts(work / RUN) == expected, "it came to something else")
    return f"{len(entries)} of {len(entries)} entries set aside, named and made again, with the same result"


def truncated_checkpoint(settings: Settings) -> str:
    done = _gone_on(settings, cut)
    supernet = _supernet(settings, cut)
    return f"{done.last.rpartition('/')[2]}; {supernet.last.rpartition('/')[2]}"


def pickles(settings: Settings) -> str:
    """In a checkpoint of a training and of a supernet, in a cache whose checksums fit, and in weights that are given."""
    trace = settings.room("pickles") / "executed"
    _gone_on(settings, lambda path: poison(path, trace))
    _supernet(settings, lambda path: poison(path, trace))
    work, _ = undisturbed(settings)
    given = trace.with_name("given.pth")
    poison(given, trace)
    refused = [play(*command(trace.parent, 0, f"task.encoder.checkpoint={given}"))]
    (encoder,) = (path for path in (work / "cache").glob("encoder-*") if not path.name.endswith(".bad"))
    poison(encoder / "encoder.pth", trace)
    _fit_checksums(encoder)
    shutil.rmtree(work / RUN, ignore_errors=True)
    refused.append(play(*command(work)))
    for done in refused:
        hold(done.code in (1, 2), f"exit code {done.code}: {done.last}")
    hold(not trace.exists(), "it was executed")
    undisturbed.cache_clear()  # its cache is spoilt
    return f"4 files, none executed; {refused[0].last.rpartition('/')[2]}"


def _fit_checksums(entry: Path) -> None:
    """What who writes into a cache can do as well."""
    path = entry / "made_from.json"
    note = json.loads(path.read_text())
    note["files"] = {name: zlib.crc32((entry / name).read_bytes()) for name in note["files"]}
    del note["key"]
    path.write_text(json.dumps({**note, "key": content_key(note)}))


def _gone_on(settings: Settings, damage: Any) -> Done:
    """Kill a final training when it has left a checkpoint, damage that, and go on."""
    work, expected = undisturbed(settings)
    shutil.rmtree(work / RUN, ignore_errors=True)
    checkpoint = work / RUN / "answers/0/final.pth.epoch"
    process = start(*command(work))
    while not checkpoint.is_file():
        hold(process.poll() is None, f"it left no {checkpoint.name}")
        time.sleep(0.001)
    kill(process)
    damage(checkpoint)
    done = finish(*command(work))
    hold(f"{checkpoint} cannot be gone on from" in done.said, f"it said {done.last!r}")
    hold(facts(work / RUN) == expected, "it came to something else")
    return done


def _supernet(settings: Settings, damage: Any) -> Done:
    """Damage the checkpoint that a supernet's training cannot go on without."""
    work = settings.room("supernet")
    asked = ("toy", "--strategy", "darts", "--seed", 0, "--work-dir", work, "--quiet")
    process = start(*asked)
    while not (work / DARTS / "supernet.pth").is_file():
        hold(process.poll() is None, "it left no supernet.pth")
        time.sleep(0.001)
    kill(process)
    damage(work / DARTS / "supernet.pth")
    done = play(*asked)
    hold((done.code, "supernet.pth cannot be read" in done.last) == (1, True), f"exit code {done.code}: {done.last}")
    return done


def cold_starts(settings: Settings) -> str:
    """Two runs at a time begin with an empty cache and make the same."""
    for number in range(settings.rounds):
        work = settings.room("cold")
        both = [start(*command(work, seed, "final.recipe.epochs=1")) for seed in (0, 1)]
        heard = [process.communicate()[1] for process in both]
        codes = [process.returncode for process in both]
        hold(codes == [0, 0], f"round {number}: exit codes {codes}: {' '.join(heard)[-200:]}")
        left = [path.name for path in (work / "cache").iterdir() if not re.fullmatch(r"\w+-[0-9a-f]{16}", path.name)]
        hold(not left, f"round {number} left {left} in the cache")
        settings.tell(f"round {number}: two good runs")
    return f"{settings.rounds} of {settings.rounds} rounds, two good runs each, nothing half made"
