"""What a restoration task shows to a network: crops, orientations, degradations."""

from __future__ import annotations

import numpy as np


def test_scored_images_are_degraded_once_and_whole(denoising, stage) -> None:
    samples = denoising().samples(stage())
    first, again, other = (samples.scored(index) for index in (0, 0, 1))
    assert first[0].shape == first[1].shape == (44, 32, 1)
    assert (first[0] == again[0]).all()
    noise, elsewhere = first[0] - first[1], other[0] - other[1]
    assert abs(np.corrcoef(noise.ravel(), elsewhere.ravel())[0, 1]) < 0.1
    for another in (stage(size=(16, 16)), stage(epochs=7)):
        assert (denoising().samples(another).scored(0)[0] == first[0]).all()


def test_crops_are_degraded_afresh_unless_they_are_fixed(denoising, stage) -> None:
    samples = denoising().samples(stage())
    views = [samples.crop(0, seed, epoch)[0] for seed, epoch in ((0, 0), (0, 0), (1, 0), (0, 1))]
    assert [(view == views[0]).all() for view in views] == [True, True, False, False]
    fixed = [denoising().samples(stage(copies=1)).crop(0, seed, epoch)[0] for seed, epoch in ((0, 0), (1, 1))]
    assert (fixed[0] == fixed[1]).all()


def test_crops_lie_in_the_image_in_eight_orientations(on_pairs, stage) -> None:
    task = on_pairs()
    samples, found = task.samples(stage(size=(8, 12), eval="train")), set()
    image = task.data.read("train", 0)[1].astype(np.float32) / 255
    for epoch in range(40):
        degraded, clean = samples.crop(0, epoch=epoch)
        assert degraded.shape == clean.shape == (8, 12, 3)
        assert np.allclose(degraded, 1 - clean, atol=1e-6)  # both are cut alike
        for turns in range(8):
            view = np.rot90(clean[:, ::-1] if turns >= 4 else clean, turns)
            windows = np.lib.stride_tricks.sliding_window_view(image, view.shape)
            if (windows == view).all((3, 4, 5)).any():
                found.add(turns)
    assert found == set(range(8))


def test_crops_can_be_enlarged(denoising, stage) -> None:
    """Twice the scale, half the steepness."""
    steep = []
    for scale in (1.0, 2.0):
        samples = denoising().samples(stage(size=(32, 32), scale=(scale, scale)))
        crops = [samples.crop(place)[1] for place in range(8)]
        assert {crop.shape for crop in crops} == {(32, 32, 1)}
        steep.append(np.mean([abs(np.diff(crop, axis=0)).mean() for crop in crops]))
    assert 0.35 < steep[1] / steep[0] < 0.75


def test_halves_of_a_share_are_apart(denoising, stage) -> None:
    kept = denoising().samples(stage(share=0.75)).order
    halves = [denoising().samples(stage(share=0.75, half=half)).order for half in (0, 1)]
    assert sorted(halves[0] + halves[1]) == kept
    assert [len(half) for half in halves] == [3, 3]
