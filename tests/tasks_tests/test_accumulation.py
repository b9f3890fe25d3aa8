"""Trainings that do not fit into memory with whole batches: the same from parts of these, and they say so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from tasks.batch import Batch
from tasks.cost import BATCH_PARTS
from tasks.restoration.task import RestorationTask

ERRORS: dict[str, type[Exception]] = {"gpu": torch.OutOfMemoryError, "python": MemoryError, "torch": RuntimeError}
WORDS = "DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"


class Large(nn.Sequential):
    """Learns from no more than `most` images at a time; the `error` is raised half way."""

    attempts = 0

    def __init__(self, most: int, error: str = "gpu", norm: bool = False):
        self.most, self.error = most, error
        type(self).attempts += 1
        normed = [nn.BatchNorm2d(4)] if norm else []
        super().__init__(nn.Conv2d(1, 4, 3, padding=1), *normed, nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))

    def forward(self, input: Tensor) -> Tensor:
        made = super().forward(input)
        if self.training and len(input) > self.most:
            raise ERRORS[self.error](WORDS if self.error != "other" else "broken")
        return made


@pytest.fixture
def large() -> Iterator[Any]:
    MODELS.register_module(name="Large", module=Large, force=True)
    Large.attempts = 0
    yield lambda most, **more: {"network": dict(type="Large", most=most, **more)}
    MODELS.module_dict.pop("Large")


def learnt(path: Path) -> Tensor:
    return torch.cat([value.flatten() for value in torch.load(path, weights_only=True).values()])


SGD = dict(optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4), clip=0.5, polyak=0.5)


@pytest.mark.parametrize("recipe", [{}, SGD, dict(batch=3)], ids=["adam", "sgd", "uneven"])
def test_parts_come_to_what_whole_batches_come_to(denoising, stage, large, tmp_path: Path, recipe: Any) -> None:
    scores = {}
    for most in (4, 2, 1):
        outcome = denoising().fit(large(most), stage(epochs=3, **recipe), seed=1, keep=str(tmp_path / str(most)))
        scores[most] = outcome.metrics
        assert torch.allclose(learnt(tmp_path / str(most)), learnt(tmp_path / "4"), rtol=0, atol=1e-6)
        assert outcome.metrics["loss"] == pytest.approx(scores[4]["loss"], abs=1e-6)
    assert BATCH_PARTS not in scores[4]
    assert (scores[2][BATCH_PARTS], scores[1][BATCH_PARTS]) == (2, 4)


def test_norms_see_the_parts(denoising, stage, large, tmp_path: Path) -> None:
    for most in (4, 2):
        denoising().fit(large(most, norm=True), stage(), seed=1, keep=str(tmp_path / str(most)))
    assert not torch.allclose(learnt(tmp_path / "4"), learnt(tmp_path / "2"), rtol=0, atol=1e-4)


@pytest.mark.parametrize("error", ERRORS)
def test_every_kind_of_it_is_tried_again_and_what_was_spent_counts(denoising, stage, large, error: str) -> None:
    whole = denoising().fit(large(4), stage(), seed=1)
    outcome = denoising().fit(large(2, error=error), stage(), seed=1)
    assert outcome.cost.images == whole.cost.images + 4  # the batch that did not fit
    assert Large.attempts == 3


def test_what_does_not_fit_in_quarters_fails(denoising, stage, large, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        denoising().fit(large(0), stage(), seed=1)
    assert Large.attempts == 3
    monkeypatch.setitem(ERRORS, "other", RuntimeError)
    with pytest.raises(RuntimeError, match="broken"):
        denoising().fit(large(0, error="other"), stage(), seed=1)
    assert Large.attempts == 4
    monkeypatch.setattr("tasks.accumulation.size", lambda: 2)  # processes that train it together
    with pytest.raises(torch.OutOfMemoryError):
        denoising().fit(large(2), stage(), seed=1)
    assert Large.attempts == 5


def test_a_killed_training_goes_on_with_its_parts(denoising, stage, large, tmp_path: Path, monkeypatch) -> None:
    long, path = stage(epochs=3, resumable=True), str(tmp_path / "weights")
    once = denoising().fit(large(2), long, seed=1)
    loss, calls = RestorationTask.batch_loss, iter(range(99))

    def dying(self: RestorationTask, *arguments: Any) -> Tensor:
        if next(calls) == 7:  # in the second epoch of four halves each, behind the whole batch that did not fit
            raise KeyboardInterrupt
        return loss(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(RestorationTask, "batch_loss", dying)
        with pytest.raises(KeyboardInterrupt):
            denoising().fit(large(2), long, seed=1, keep=path)
    Large.attempts = 0
    again = denoising().fit(large(2), long, seed=1, keep=path)
    assert Large.attempts == 1
    assert again.metrics == once.metrics
    assert again.cost.images == once.cost.images


def test_where_memory_ends_in_a_later_epoch_the_first_ones_are_kept_and_paid_once(
    denoising, stage, large, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss, calls = RestorationTask.batch_loss, iter(range(99))

    def full(self: RestorationTask, *arguments: Any) -> Tensor:
        if next(calls) == 2:  # the first batch of the second epoch
            raise MemoryError
        return loss(self, *arguments)

    monkeypatch.setattr(RestorationTask, "batch_loss", full)
    long, path = stage(epochs=3, resumable=True), str(tmp_path / "weights")
    outcome = denoising().fit(large(4), long, seed=1, keep=path)
    assert outcome.metrics[BATCH_PARTS] == 2
    assert outcome.cost.images == 3 * 8 + 4 + 3


def test_a_batch_in_parts_is_the_batch() -> None:
    images = torch.arange(5.0)[:, None]
    whole = Batch((images, [images + 1]), images + 2, images + 3)
    for count, sizes in ((1, [5]), (2, [2, 3]), (4, [1, 1, 1, 2]), (9, [1] * 5)):
        parts = list(whole.parts(count))
        assert [len(part) for part in parts] == sizes
        assert torch.equal(torch.cat([part.inputs[1][0] for part in parts]), images + 1)
        assert torch.equal(torch.cat([part.truth for part in parts]), images + 2)
        assert torch.equal(torch.cat([part.teacher for part in parts if part.teacher is not None]), images + 3)
    assert [part.teacher for part in Batch(images, images).parts(2)] == [None, None]
