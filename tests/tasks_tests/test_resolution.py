"""A space that decides how large its network sees images, and how it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import build
from search_spaces.mbconv.space import MOBILENET_V2
from tasks import TASKS, Recipe, Stage, View
from tasks.detection.samples import DetectionSamples
from tasks.encoder_task import EncoderTask
from tasks.segmentation.samples import SegmentationSamples

STAGE = Stage("short", View(share=0.05, size=(32, 48), eval_size=(32, 48)), Recipe(epochs=1, batch=4))


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four are scored."""
    for samples in (DetectionSamples, SegmentationSamples):
        monkeypatch.setattr(samples, "eval_size", 4)


@pytest.fixture(params=["segmentation", "detection"])
def task(request: pytest.FixtureRequest, tmp_path: Path) -> EncoderTask:
    return made(request.param.capitalize(), tmp_path)


def made(kind: str, cache: Path, **settings: Any) -> EncoderTask:
    data = dict(type=f"Scenes{kind}")
    return build(
        TASKS, dict(type=f"{kind}Task", data=data, encoder={}, input_size=[64, 96], cache=str(cache), **settings)
    )


def parts(**more: Any) -> dict[str, Any]:
    return {"backbone": dict(type="densebench.MBConvNet", stages=MOBILENET_V2, width=0.25), **more}


def test_images_are_magnified_in_training_scoring_and_costs(task: EncoderTask) -> None:
    seen = task.seen(parts(resolution=1.5), STAGE)
    assert (seen.view.size, seen.view.eval_size) == ((48, 72), (48, 72))
    assert replace(seen, view=STAGE.view) == STAGE
    large, plain = (task.fit(one, STAGE, seed=0) for one in (parts(resolution=2.0), parts()))
    assert large.cost.images == plain.cost.images
    assert large.cost.pixels == 4 * plain.cost.pixels
    assert task.fit(parts(), task.seen(parts(resolution=2.0), STAGE), seed=0).metrics.keys() == large.metrics.keys()
    costs = [task.measure(one, ["params", "madds"]) for one in (parts(resolution=2.0), parts())]
    assert costs[0]["params"] == costs[1]["params"]
    assert 3.8 < costs[0]["madds"] / costs[1]["madds"] < 4.2  # of small maps a side is rounded up


def test_anchors_grow_with_the_images(tmp_path: Path) -> None:
    task = made("Detection", tmp_path, template=dict(type="SSDLite"))
    sizes = [
        task.config(one)["bbox_head"]["anchor_generator"]["min_sizes"][0] for one in (parts(), parts(resolution=2.0))
    ]
    assert sizes[1] == 2 * sizes[0]


def test_a_factor_of_one_changes_nothing(task: EncoderTask) -> None:
    assert task.fit(parts(resolution=1.0), STAGE, seed=0).metrics == task.fit(parts(), STAGE, seed=0).metrics


def test_stages_that_cannot_magnify(task: EncoderTask) -> None:
    own = replace(STAGE, view=replace(STAGE.view, eval_size=None))
    with pytest.raises(ValueError, match="stage 'short': images of their own sizes cannot be magnified: give the view"):
        task.trained(parts(resolution=1.5), own)
    cached = Stage("short", replace(STAGE.view, copies=1), STAGE.recipe, (("cached", True),))
    with pytest.raises(ValueError, match="reads cached features, but the resolution is searched: take `cached` away"):
        task.trained({"resolution": 1.5}, cached)


def test_a_network_may_decide_how_it_sees_and_learns(tmp_path: Path) -> None:
    """Settings that are not legal together are told before a run; the network itself has no such parts."""
    task = made("Segmentation", tmp_path)
    own = parts(
        view={"jitter": 0.3, "hsv": [30.0, 0.1, 0.2], "mirror": False}, recipe={"optimizer": {"type": "SGD", "lr": 0.1}}
    )
    seen = task.seen(own, STAGE)
    assert (seen.view.jitter, seen.view.hsv, seen.view.mirror, seen.view.size) == (
        0.3,
        (30.0, 0.1, 0.2),
        False,
        (32, 48),
    )
    assert seen.recipe == replace(STAGE.recipe, optimizer={"type": "SGD", "lr": 0.1})
    assert task.config(own) == task.config(parts())
    assert task.fit(own, STAGE, seed=0).metrics == task.fit(parts(), seen, seed=0).metrics
    with pytest.raises(
        ValueError, match="stage 'short' with what its network decides: lr is short for what optimizer says"
    ):
        task.trained(own, replace(STAGE, recipe=replace(STAGE.recipe, lr=0.1)))
    with pytest.raises(
        ValueError, match="stage 'short' with what its network decides: unknown entry of the view 'jiter'"
    ):
        task.trained(parts(view={"jiter": 0.1}), STAGE)
