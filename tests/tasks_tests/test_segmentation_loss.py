"""The size at which a decoder's scores meet the labels, against torch's own loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from tasks.segmentation.metrics import IGNORE
from tasks.segmentation.scores import cross_entropy
from tests.tasks_tests.test_segmentation import make, model, stage


@pytest.mark.parametrize("loss_at", ["labels", "scores"])
def test_scores_or_labels_are_brought_to_the_others_size(loss_at: Any, folder_data: Path, tmp_path: Path) -> None:
    task = make(folder_data, tmp_path)
    one = stage(loss_at=loss_at)
    network = task.begin(model(None), one, seed=0).eval()
    batch = next(task.batches(one, 0, 0))
    with torch.no_grad():
        scores, labels = network(batch.inputs), batch.truth.long()
        if loss_at == "scores":
            assert labels.shape[-1] == 8 * scores.shape[-1]
            labels = labels[:, ::8, ::8]
        else:
            scores = F.interpolate(scores, labels.shape[-2:], mode="bilinear", align_corners=False)
        expected = F.cross_entropy(scores, labels, ignore_index=IGNORE)
        assert task.loss(network, one, batch).item() == pytest.approx(expected.item(), rel=1e-5)


def test_pixels_that_are_ignored_count_nowhere() -> None:
    scores = torch.linspace(-1, 1, 2 * 3 * 4 * 4).reshape(2, 3, 4, 4).requires_grad_()
    labels = torch.full((2, 8, 8), IGNORE, dtype=torch.uint8)
    loss = cross_entropy(scores, labels)
    loss.backward()
    assert loss.item() == 0
    assert scores.grad is not None
    assert not scores.grad.any()


def test_an_unknown_size_is_refused(folder_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"loss_at of .* must be one of 'labels', 'scores', not 'image'"):
        make(folder_data, tmp_path).prepare([stage(loss_at="image")])
