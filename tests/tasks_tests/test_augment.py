"""Colours and mirrors of training views."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks import View
from tasks.augment import random_warp, shift_hsv

IMAGE = np.random.default_rng(0).integers(40, 200, (8, 8, 3), dtype=np.uint8)


def hsv(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2HSV).astype(int)


def test_a_hue_is_turned_for_all_pixels_alike_and_goes_round() -> None:
    turns = set()
    for seed in range(30):
        changed = shift_hsv(IMAGE, (40.0, 0.0, 0.0), np.random.default_rng(seed))
        turned = (hsv(changed) - hsv(IMAGE))[..., 0] % 180
        turn = int(np.median(turned))
        assert np.abs((turned - turn + 90) % 180 - 90).max() <= 2  # rounding
        assert min(turn, 180 - turn) <= 20  # OpenCV's degrees are two
        turns.add(turn)
        assert np.abs((hsv(changed) - hsv(IMAGE))[..., 1:]).max() <= 4
    assert len(turns) > 10


def test_saturation_and_value_are_scaled_and_shifted() -> None:
    values = [hsv(shift_hsv(IMAGE, (0.0, 0.2, 0.3), np.random.default_rng(seed)))[..., 2].mean() for seed in range(40)]
    before = hsv(IMAGE)[..., 2].mean()
    assert before - 0.3 * before - 51 - 2 < min(values) < before - 15
    assert before + 15 < max(values) < before + 0.3 * before + 51 + 2


def test_a_view_need_not_be_mirrored() -> None:
    def warps(view: View) -> list[float]:
        return [random_warp((8, 8), view, np.random.default_rng(seed))[0, 0] for seed in range(40)]

    assert 10 < sum(factor < 0 for factor in warps(View(size=(8, 8)))) < 30
    plain, whole = warps(View(size=(8, 8), mirror=False)), warps(View(size=(8, 8)))
    assert all(factor > 0 for factor in plain)
    assert [abs(factor) for factor in whole] == plain  # all else is drawn alike


@pytest.mark.parametrize("limits", [(-1.0, 0.0, 0.0), (200.0, 0.0, 0.0), (0.0, 1.5, 0.0), (0.0, 0.0, 1.0)])
def test_other_limits_are_refused(limits: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="hsv must be degrees up to 180, a share up to 1 and one below 1"):
        View(hsv=limits)
