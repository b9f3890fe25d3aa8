"""Keypoints: heat maps, the scores, how views move joints, and how a stage learns."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core import build
from search_spaces.decoder_cells.space import DecoderCells
from tasks import TASKS, Stage
from tasks.keypoints.data import KeypointData, Person
from tasks.keypoints.heatmaps import decoded, distance, gaussians, map_size
from tasks.keypoints.metrics import coco_metrics, pckh
from tasks.keypoints.samples import KeypointSamples, in_images, region, to_image, to_view, whole_view
from tasks.keypoints.skeletons import MPII, SPREADS, Skeleton, spread
from tasks.keypoints.task import KeypointTask

NAMES = ("nose", "left_ear", "right_ear")
FACE = Skeleton(NAMES, ((0, 1), (0, 2)), tuple(map(spread, NAMES)))


class Ramps(KeypointData):
    """Images of 80x60, red is three times x and green four times y, with three joints."""

    skeleton, areas, heads = FACE, True, False

    def size(self, split: str) -> int:
        return 4

    def fingerprint(self, *others: str) -> str:
        return "ramps"

    def problems(self, split: str) -> Any:
        return iter(())

    def person(self, split: str, index: int) -> Person:
        rng = np.random.default_rng(index)
        places = np.column_stack([rng.integers(25, 55, 3), rng.integers(15, 45, 3)]).astype(float)
        joints = np.column_stack([places, [2, 1, 2 if index else 0]])
        return Person(f"{split} {index}", joints, (20.0, 10.0, 40.0, 40.0), area=900.0)

    def read(self, split: str, index: int) -> tuple[np.ndarray, Person]:
        rows, columns = np.mgrid[:60, :80]
        return np.stack([3 * columns, 4 * rows, 0 * rows], 2).astype(np.uint8), self.person(split, index)


def staged(options: dict[str, Any] | None = None, view: dict[str, Any] | None = None, **recipe: Any) -> Stage:
    seen = {"size": [32, 32], "eval_size": [32, 32], "share": 0.02, **(view or {})}
    return Stage.of(dict(name="short", view=seen, recipe={"epochs": 1, "batch": 4, **recipe}, options=options or {}))


def of(cache: Path, **config: Any) -> KeypointTask:
    task = dict(type="KeypointTask", data=dict(type="FiguresKeypoints"), encoder=dict(width=0.1))
    return build(TASKS, {**task, "cache": str(cache), "input_size": (32, 32), **config})


# Heat maps.


@given(st.floats(6, 88), st.floats(6, 56), st.floats(1.0, 3.0))
@settings(max_examples=30, deadline=None)
def test_a_joint_comes_back_from_its_heat_map(x: float, y: float, sigma: float) -> None:
    """Within a quarter of a pixel of the map, which is one of the image, away from the border."""
    size = map_size((64, 96))
    assert size == (16, 24)
    maps = gaussians(torch.tensor([[[x, y, 2.0]]]), size, sigma).numpy()
    (found,) = decoded(maps)[0]
    assert np.abs(found[:2] - (x, y)).max() <= 1.0 + 1e-4
    assert 0.75 < found[2] <= 1


def test_the_shift_is_towards_the_larger_neighbour_and_none_at_the_border() -> None:
    maps = np.zeros((1, 2, 5, 6))
    maps[0, 0, 2, 3], maps[0, 0, 2, 4], maps[0, 0, 1, 3] = 1, 0.5, 0.25
    maps[0, 1, 4, 0], maps[0, 1, 4, 1], maps[0, 1, 3, 0] = 1, 0.5, 0.5
    inner, border = decoded(maps)[0]
    assert inner.tolist() == [(3.25 + 0.5) * 4 - 0.5, (1.75 + 0.5) * 4 - 0.5, 1]
    assert border.tolist() == [1.5, 17.5, 1]


def test_the_loss_is_the_squared_error_of_what_is_labelled() -> None:
    joints = torch.tensor([[[40.0, 30.0, 2.0], [20.0, 50.0, 1.0], [60.0, 60.0, 0.0]]])
    wanted = gaussians(joints, (24, 24), 2.0)
    assert float(distance(wanted, joints, 2.0)) == 0
    assert float(distance(torch.zeros_like(wanted), joints, 2.0)) == pytest.approx(1, rel=1e-3)
    wrong = wanted.clone()
    wrong[0, 2] += 5  # nobody knows where it is
    assert float(distance(wrong, joints, 2.0)) == 0
    wrong[0, 1] += 0.1
    plain = ((wrong - wanted)[:, :2] ** 2).mean() * 24 * 24 / (math.pi * 4)
    assert float(distance(wrong, joints, 2.0)) == pytest.approx(float(plain), rel=1e-4)
    joints[..., 2] = 0
    assert float(distance(wrong, joints, 2.0)) == 0


# Views.


@given(
    st.integers(0, 3),
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(24, 96), st.integers(24, 96)),
    st.floats(0.7, 1.0),
    st.floats(1.0, 1.6),
)
@settings(max_examples=40, deadline=None)
def test_joints_move_with_their_pixels(index: int, seed: int, size: tuple[int, int], low: float, high: float) -> None:
    """Where a view says that a joint is, it shows what the image has there, within half a pixel of it."""
    data = Ramps()
    samples = KeypointSamples(data, staged(view={"size": size, "scale": [low, high], "share": 1.0}))
    whole = KeypointSamples(data, staged(view={"eval_size": size}))
    image, person = data.read("train", index)
    for view, joints in (samples.cut(image, person, np.random.default_rng(seed)), whole.whole(image, person)):
        assert (view.shape, joints.shape, joints.dtype) == ((*size, 3), (3, 3), np.float32)
        inside = (joints[:, :2] > 0).all(1) & (joints[:, 0] < size[1] - 1) & (joints[:, 1] < size[0] - 1)
        for x, y, state in joints[inside]:
            assert state in person.joints[:, 2]
            colour = cv2.getRectSubPix(view, (1, 1), (float(x), float(y)))[0, 0]
            place = np.array([colour[0] / 3, colour[1] / 4])
            assert np.abs(person.joints[:, :2] - place).max(1).min() < 0.5
        assert not joints[(joints[:, :2] < -1).any(1), 2].any()
    assert (joints[2, 2] > 0) == (index > 0)


def test_a_mirrored_view_changes_left_and_right() -> None:
    data = Ramps()
    samples = KeypointSamples(data, staged(view={"size": [40, 40], "share": 1.0}))
    image, person = data.read("train", 1)
    seen = {}
    for seed in range(8):
        _, joints = samples.cut(image, person, np.random.default_rng(seed))
        seen[round(float(joints[0, 0]), 3)] = joints
    plain, mirrored = sorted(seen.values(), key=lambda joints: -np.sign((joints[1, 0] - joints[2, 0]) * 1.0))
    assert len(seen) == 2
    assert np.allclose(mirrored[:, 0], 39 - plain[[0, 2, 1], 0], atol=1e-3)
    assert np.allclose(mirrored[:, 1], plain[[0, 2, 1], 1], atol=1e-3)
    assert mirrored[:, 2].tolist() == plain[[0, 2, 1], 2].tolist()


@pytest.mark.parametrize(
    ("joints", "mirrored"),
    [
        (("Left Knee", "Right Knee", "Nose", "nose"), [1, 0, 2, 3]),
        (("l_knee", "tail", "r_knee", "l_hip"), [2, 1, 0, 3]),
        (("Knee-R", "Knee-L", "leftEye", "rightEye"), [1, 0, 3, 2]),
        (("bright", "blight", "l", "r"), [0, 1, 2, 3]),
        (("LElbow", "RElbow", "kneeR", "kneeL"), [1, 0, 3, 2]),
    ],
)
def test_sides_are_known_however_they_are_written(joints: tuple[str, ...], mirrored: list[int]) -> None:
    assert Skeleton(joints, (), (0.1,) * 4).mirrored.tolist() == mirrored
    assert spread("Left Knee") == spread("r_knee") == spread("left_knee") == 0.087


def test_mpii_s_left_and_right() -> None:
    pairs = {(MPII.joints[one], MPII.joints[other]) for one, other in enumerate(MPII.mirrored) if one < other}
    assert len(pairs) == 6
    assert ("right_ankle", "left_ankle") in pairs
    assert (MPII.mirrored[MPII.mirrored] == np.arange(16)).all()
    assert [MPII.joints[index] for index in MPII.apart] == ["pelvis", "thorax"]
    assert len(MPII.limbs) == 15


def test_a_region_has_the_aspect_of_the_view_and_its_matrix_is_invertible() -> None:
    x, y, width, height = region((10.0, 20.0, 30.0, 60.0), (64, 48))
    assert (height, width) == (75.0, 56.25)
    assert (x + width / 2, y + height / 2) == (25.0, 50.0)
    matrix = whole_view((10.0, 20.0, 30.0, 60.0), (64, 48))
    joints = np.array([[25.0, 50.0, 2.0], [10.0, 20.0, 1.0]])
    assert np.allclose(to_image(to_view(joints, matrix), matrix), joints)
    assert np.allclose(to_view(joints, matrix)[0, :2] + 0.5, np.array([24, 32]) + 0.5 * 48 / 56.25)


# Scores.


def test_pckh_is_a_plain_count() -> None:
    rng = np.random.default_rng(0)
    joints = np.concatenate([rng.uniform(0, 100, (9, 5, 2)), rng.integers(0, 3, (9, 5, 1))], 2)
    found, heads = joints[..., :2] + rng.normal(0, 8, (9, 5, 2)), rng.uniform(10, 30, 9)
    for threshold in (0.5, 0.1):
        hits, total = 0, 0
        for person in range(9):
            for joint in range(5):
                if joints[person, joint, 2] == 0:
                    continue
                x, y = found[person, joint] - joints[person, joint, :2]
                total += 1
                hits += math.sqrt(x * x + y * y) <= threshold * heads[person]
        assert 0 < hits < total
        assert pckh(found, joints, heads, threshold) == pytest.approx(100 * hits / total)


@pytest.mark.parametrize("off", [0.0, 1.0, 3.0, 5.0])
def test_ap_follows_the_similarity_of_joints(off: float) -> None:
    """Persons that are all off by as much: each threshold below their similarity has a precision of 1, the others 0."""
    data = Ramps()
    truth = data.ground_truth("val")
    found = np.stack([data.person("val", index).joints for index in range(4)])
    found[..., 0] += off
    sigmas = [0.05, 0.05, 0.05]
    similarity = math.exp(-(off**2) / (2 * 900 * (2 * 0.05) ** 2))
    metrics = coco_metrics(truth, found, sigmas)
    passed = [similarity >= threshold for threshold in np.linspace(0.5, 0.95, 10)]
    assert metrics["AP"] == pytest.approx(100 * np.mean(passed))
    assert metrics["AR"] == pytest.approx(100 * np.mean(passed))
    assert metrics["AP50"] == pytest.approx(100 * passed[0])
    assert metrics["AP75"] == pytest.approx(100 * passed[5])
    assert (metrics["APM"], metrics["APL"]) == (-1, -1)  # 900 square pixels are a small person


def test_more_than_twenty_persons_in_an_image_all_count() -> None:
    data = Ramps()
    person, truth = data.person("val", 0).joints, data.ground_truth("val")
    one = truth["annotations"][0]
    found = np.stack([person + np.array([50 * number, 0, 0]) for number in range(30)])
    persons = [{**one, "id": number, "keypoints": joints.ravel().tolist()} for number, joints in enumerate(found, 1)]
    assert coco_metrics({**truth, "annotations": persons}, found, [0.05] * 3)["AP"] == pytest.approx(100)


def test_coco_s_own_sigmas_and_those_of_other_joints() -> None:
    assert (spread("left_hip"), spread("nose")) == (SPREADS["hip"], SPREADS["nose"])
    assert spread("tail") == pytest.approx(0.067)


# The task.


def test_decoders_of_any_stride_give_maps_of_one_size(cache: Path) -> None:
    task = of(cache)
    task.prepare([stage := staged({"aux": 0.1}, epochs=0)])
    space = DecoderCells(channels=8, repeats=1, aux="cell")
    sizes, losses = set(), []
    batch = next(iter(task.batches(stage, 0, 0)))
    for seed in range(4):
        parts = space.model(space.sample(Random(seed)))
        network = task.begin(parts, stage, 0)
        outputs = task.forward(network, batch.inputs)
        sizes |= {tuple(maps.shape[-2:]) for maps in outputs}
        losses.append(float(task.criterion(network, stage, outputs, batch).detach()))
        with torch.no_grad():
            maps = task.deployed(task.network(parts))(torch.zeros(1, 3, 32, 32))
        assert maps.shape == (1, 16, 8, 8)
    assert len(sizes) > 1
    assert all(map(math.isfinite, losses))


def test_a_stage_learns(cache: Path) -> None:
    task = of(cache)
    stages = [staged(view={"mirror": False}, epochs=epochs, lr=1e-2, encoder_lr=1e-2) for epochs in (1, 30)]
    task.prepare(stages)
    first, last = (task.fit({}, stage, seed=0).metrics["loss"] for stage in stages)
    assert 0.5 < first < 1.1  # it begins with maps of zeros
    assert last < 0.5


def test_every_person_is_scored_where_it_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that gives the truth has all points, but for what heat maps leave of a joint's place."""
    task = of(cache, sigma=1.0)
    task.prepare([stage := staged(view={"eval_size": [96, 96]}, epochs=0, batch=7)])
    batches = iter(list(task.scored_batches(stage)))
    monkeypatch.setattr(task, "forward", lambda network, inputs: [gaussians(next(batches).truth, (24, 24), 1.0)])
    metrics = task.score(None, stage)
    assert metrics["PCKh"] == 100
    assert metrics["AP"] > 99
    assert metrics["PCKh10"] > 50
    found = in_images(np.zeros((1, 16, 3)), task.data, "val", (96, 96))
    x, y, _, _ = region(task.data.person("val", 0).box, (96, 96))
    assert found[0, 0, :2] == pytest.approx([x, y], abs=1)


def test_data_without_heads_are_ranked_by_ap(cache: Path) -> None:
    from tasks.registry import DATA

    if "Ramps" not in DATA.names():
        DATA.register_module(module=Ramps)
    task = of(cache, data=dict(type="Ramps"))
    assert (task.primary, task.metrics) == ("AP", ("AP", "AP50", "AP75", "APM", "APL", "AR", "loss"))
    assert task.outputs == 3


def test_what_it_cannot_do_is_refused(cache: Path) -> None:
    task = of(cache)
    with pytest.raises(ValueError, match="stage 'short' has no eval_size"):
        task.check([staged(view={"eval_size": None})])
    with pytest.raises(ValueError, match="loss_at"):
        task.check([staged({"loss_at": "labels"})])
    with pytest.raises(ValueError, match="sigma must be positive"):
        of(cache, sigma=0)
    with pytest.raises(ValueError, match="ScenesSegmentation is no data set for KeypointTask"):
        of(cache, data=dict(type="ScenesSegmentation"))
