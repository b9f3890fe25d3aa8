"""What can be looked at of an answer: how its training went, what it confuses, a few of its pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from benchmarks.files import write
from tasks import Stage, Task
from tasks.weights import load

if TYPE_CHECKING:
    from tasks.deployment import Deployable

EXAMPLES = 4
REPORT = "report.json"


def illustrate(task: Task, parts: Mapping[str, Any], stage: Stage, home: Path) -> None:
    """Write `report.json` and pictures below `examples/` of the network whose weights are in the folder `home`.

    Of a task whose networks nobody takes home there is nothing to be seen.

    The report has the "curve" of the training (its mean loss by epoch), the "confusion" of classes where there are some, and
    "examples" of the scored images: files of the input, the truth and the answer, and what the answer is worth by itself.
    """
    import torch

    from tasks.deployment import Deployable

    if not isinstance(task, Deployable):
        return
    network, samples = task.finished(parts, load(home / "final.pth")), task.samples(stage)
    with torch.no_grad():
        confusion, deployed = task.confusion(network, stage), task.deployed(network)
        examples = [
            _example(task, deployed, samples.scored(place), stage.view.eval, place, home)
            for place in range(min(EXAMPLES, samples.eval_size))
        ]
    report: dict[str, Any] = {"curve": _curve(home / "final.pth.losses"), "examples": examples}
    if confusion is not None:
        report["confusion"] = {"classes": list(task.usage(stage)["classes"]), "counts": confusion.counts.tolist()}
    write(home / REPORT, json.dumps(report, allow_nan=False) + "\n")


def _example(task: Deployable, network: Any, sample: Any, split: str, place: int, home: Path) -> dict[str, Any]:
    shown, files = task.example(network, *sample), {}
    for name, picture in shown.pictures.items():
        files[name] = f"examples/{place}-{name}.png"
        (home / "examples").mkdir(exist_ok=True)
        Image.fromarray(picture).save(home / files[name])
    return {"name": f"{split} {place}", "files": files, "score": shown.score}


def _curve(path: Path) -> list[dict[str, float]]:
    """The losses that a training left there, if it did."""
    if not path.is_file():
        return []
    losses = json.loads(path.read_text())
    path.unlink()
    return [{"epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses, start=1)]
