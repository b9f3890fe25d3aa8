"""Depth: what a score means, its loss and metrics, how images are cut, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmseg.evaluation import DepthMetric

from core import build
from tasks import TASKS, Stage
from tasks.depth.data import DepthData, counting
from tasks.depth.drawing import Usage, coloured, drawn, read, said, told
from tasks.depth.metrics import NAMES, Errors
from tasks.depth.samples import DepthSamples
from tasks.depth.scores import depth_of, reverse_huber
from tasks.depth.task import DepthTask

RANGE = (0.5, 8.0)
THEIRS = dict(zip(NAMES, ("rmse", "rmse_log", "abs_rel", "sq_rel", "d1", "d2", "d3"), strict=True))


def pair(seed: int, shape: tuple[int, ...] = (6, 7)) -> tuple[torch.Tensor, torch.Tensor]:
    """Depths, of which some were not measured, and others."""
    rng = np.random.default_rng(seed)
    depth, found = rng.uniform(*RANGE, (2, *shape)).astype(np.float32)
    depth[rng.random(shape) < 0.2] = 0
    return torch.from_numpy(depth), torch.from_numpy(found)


def of(*pairs: tuple[torch.Tensor, torch.Tensor]) -> dict[str, float]:
    errors = Errors()
    for depth, found in pairs:
        counts = counting(depth, *RANGE)
        errors.add(depth[counts], found[counts])
    return errors.metrics()


@pytest.mark.parametrize("seed", range(3))
def test_metrics_of_an_image_are_mmsegmentations(seed: int) -> None:
    depth, found = pair(seed)
    theirs = DepthMetric()
    theirs.process({}, [{"pred_depth_map": {"data": found[None]}, "gt_depth_map": {"data": depth[None]}}])
    expected = theirs.compute_metrics(theirs.results)
    ours = of((depth, found))
    for name, other in THEIRS.items():
        assert ours[name] == pytest.approx(expected[other], rel=1e-5)


def test_every_pixel_of_all_images_weighs_the_same() -> None:
    pairs = [pair(3), pair(4, (20, 2)), (torch.zeros(2, 2), torch.ones(2, 2))]  # the last one has no depth
    depth, found = (np.concatenate([one[k].numpy().ravel() for one in pairs]).astype(np.float64) for k in range(2))
    depth, found = depth[depth > 0], found[depth > 0]
    gap, ratio = found - depth, np.maximum(found / depth, depth / found)
    expected = dict(
        RMSE=np.sqrt(np.mean(gap**2)),
        RMSE_log=np.sqrt(np.mean((np.log(found) - np.log(depth)) ** 2)),
        abs_rel=np.mean(abs(gap) / depth),
        sqr_rel=np.mean(gap**2 / depth),
        delta1=np.mean(ratio < 1.25),
        delta2=np.mean(ratio < 1.5625),
        delta3=np.mean(ratio < 1.953125),
    )
    assert of(*pairs) == pytest.approx(expected, rel=1e-12)


def test_metrics_of_two_pixels_by_hand() -> None:
    measured = of((torch.tensor([1.0, 4.0, 0.0]), torch.tensor([1.2, 2.0, 7.0])))
    assert measured["RMSE"] == pytest.approx(((0.04 + 4) / 2) ** 0.5)
    assert measured["abs_rel"] == pytest.approx((0.2 + 0.5) / 2)
    assert measured["sqr_rel"] == pytest.approx((0.04 + 1) / 2)
    assert [measured[f"delta{power}"] for power in (1, 2, 3)] == [0.5, 0.5, 0.5]


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_scores_are_depths_between_the_nearest_and_the_farthest(one: float, other: float) -> None:
    depths = depth_of(torch.tensor([one, other], dtype=torch.float64), *RANGE)
    assert (depths >= RANGE[0] * (1 - 1e-9)).all()
    assert (depths <= RANGE[1] * (1 + 1e-9)).all()
    assert one == other or (depths[0] <= depths[1]) == (one < other) or depths[0] == depths[1]
    assert float(depth_of(torch.tensor(0.0), *RANGE)) == pytest.approx(2.0)  # the geometric mean


def test_the_loss_is_absolute_for_small_errors_and_squared_for_large_ones() -> None:
    scores = torch.zeros(1, 1, 2, 2, requires_grad=True)  # 2 m everywhere
    depth = torch.tensor([[[2.1, 7.0], [0.0, 2.0]]])  # errors 0.1, 5, none, 0; threshold 1
    loss = reverse_huber(scores, depth, *RANGE)
    assert loss.item() == pytest.approx((0.1 + (25 + 1) / 2 + 0) / 3, rel=1e-5)
    loss.backward()
    assert scores.grad is not None
    assert scores.grad[0, 0, 1, 0] == 0  # what was not measured teaches nothing
    nothing = reverse_huber(scores, torch.zeros(1, 2, 2), *RANGE)
    assert nothing.item() == 0
    smaller = reverse_huber(torch.zeros(1, 1, 1, 1), torch.full((1, 4, 4), 2.0), *RANGE)
    assert float(smaller) == pytest.approx(0, abs=1e-6)


class Ramp(DepthData):
    """An image of 40x60 whose pixels say what their depth is: 1 m at the left, rising to the right."""

    nearest, farthest = RANGE

    def size(self, split: str) -> int:
        return 4

    def read(self, split: str, index: int) -> tuple[np.ndarray, np.ndarray]:
        depth = np.tile(np.linspace(1, 5, 60, dtype=np.float32), (40, 1))
        return np.repeat((depth * 50).astype(np.uint8)[..., None], 3, 2), depth

    def fingerprint(self, *others: str) -> str:
        return "ramp"

    def problems(self, split: str):
        return iter(())


def samples(**view: object) -> DepthSamples:
    return DepthSamples(Ramp(), Stage.of(dict(name="s", view=view, recipe=dict(epochs=1))))


def test_what_is_enlarged_is_nearer() -> None:
    """A crop of 20x30 at twice the size shows depths that are half of what its pixels say."""
    plain, twice = samples(size=[40, 60], eval_size=[40, 60]), samples(size=[40, 60], eval_size=[40, 60], scale=[2, 2])
    for cut, factor in ((plain, 1), (twice, 2)):
        for place in range(4):
            image, depth = cut.crop(place, seed=5)
            assert (image.shape, depth.shape, depth.dtype) == ((40, 60, 3), (40, 60), np.float32)
            assert np.median(abs(image[..., 0] / 50 - factor * depth)) < 0.06
    half = samples(size=[20, 30], eval_size=[20, 30])  # scored at half of their size, too: nothing is nearer
    image, depth = half.crop(0)
    assert np.median(abs(image[..., 0] / 50 - depth)) < 0.06
    whole, truth = half.scored(0)
    assert (whole.shape, truth.shape) == ((20, 30, 3), (20, 30))
    assert set(np.unique(truth)) <= set(np.unique(Ramp().read("val", 0)[1]))  # none between two surfaces


def test_what_does_not_count_does_not_come_to_count_in_a_crop() -> None:
    """Whether a surface is beyond the farthest is a matter of where it is, and not of how large it is shown."""

    class Far(Ramp):
        farthest = 3.0

    view = dict(size=[40, 60], eval_size=[40, 60], scale=[2, 2])
    cut = DepthSamples(Far(), Stage.of(dict(name="s", view=view, recipe=dict(epochs=1))))
    for place in range(4):
        image, depth = cut.crop(place, seed=5)
        beyond = image[..., 0] / 50 > 3.1
        assert (depth[beyond] == 0).all()
        assert (depth[image[..., 0] / 50 < 2.9] > 0).all()


def test_cached_crops_are_others_where_depths_are(cache: Path) -> None:
    """What is enlarged looks nearer than how it is scored, so that the truth of crops depends on `eval_size`."""
    config = dict(type="DepthTask", data=dict(type="ScenesDepth"), encoder={"width": 0.1}, cache=str(cache))
    task = build(TASKS, config)
    view = dict(train=["val"], eval="val", share=0.1, size=[32, 32], copies=1)
    truths = []
    for side in (48, 96):
        recipe = dict(epochs=1, batch=2)
        stage = Stage.of(
            dict(name="s", view={**view, "eval_size": [side, side]}, recipe=recipe, options=dict(cached=True))
        )
        truths.append(next(iter(task.batches(stage, 0, 0))).truth.clone())
    assert torch.allclose(2 * truths[0], truths[1])


def test_an_image_without_depth_is_an_example_without_a_score(cache: Path) -> None:
    task = build(
        TASKS, dict(type="DepthTask", data=dict(type="ScenesDepth"), encoder={"width": 0.25}, cache=str(cache))
    )
    assert isinstance(task, DepthTask)
    image, truth = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), np.float32)
    shown = task.example(lambda inputs: torch.full((1, 1, 32, 32), 2.0), image, truth)
    assert shown.score == {}
    assert task.example(lambda inputs: torch.full((1, 1, 32, 32), 2.0), image, truth + 2).score == {"RMSE": 0.0}


def test_depths_are_drawn_and_told() -> None:
    depth = np.array([[0.5, 2.0, 8.0, 0.0]], dtype=np.float32)
    colours = coloured(depth, *RANGE)
    assert colours.shape == (1, 4, 3)
    assert colours[0, 0].argmax() == 0  # red is near
    assert colours[0, 3].tolist() == [128] * 3
    usage = Usage(input=(3, 4, 8), size=None, metres=RANGE)
    image = np.zeros((4, 8, 3), np.uint8)
    found = read([np.full((1, 1, 2, 4), 3.0, np.float32)], image, usage)
    assert found.shape == (4, 8)
    assert drawn(image, found, usage).shape == (4, 16, 3)
    assert told(found, usage) == {"nearest": 3.0, "median": 3.0, "farthest": 3.0}
    assert said(found, usage) == "3.00 to 3.00 m, median 3.00 m"
