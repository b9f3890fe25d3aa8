"""The training loop of all tasks: what it goes on from, what it seeds, meters and leaves, when it gives up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from tasks import Inherited, Start
from tasks.restoration.task import RestorationTask

NORMED = {"network": dict(type="DnCNN", width=6, depth=3, norm=True)}


class Forgetful(nn.Module):
    """A convolution with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.drop = nn.Conv2d(1, 1, 3, padding=1), nn.Dropout(0.3)

    def forward(self, images: Tensor) -> Tensor:
        return images - self.drop(self.conv(images))


class Halved(RestorationTask):
    """Its first convolution is a frozen encoder, or learns at `encoder_lr`."""

    reads = RestorationTask.reads | {"encoder_lr"}

    def groups(self, network: Any, stage: Any) -> Any:
        encoder, trained = network.model[0], stage.recipe.encoder_lr is not None
        encoder.requires_grad_(trained)
        rest = [weight for name, weight in network.named_parameters() if not name.startswith("model.0.")]
        return rest, list(encoder.parameters()) if trained else [], None if trained else encoder


@pytest.fixture
def forgetful() -> Iterator[dict[str, Any]]:
    MODELS.register_module(name="Forgetful", module=Forgetful, force=True)
    yield {"network": dict(type="Forgetful")}
    MODELS.module_dict.pop("Forgetful")


@pytest.fixture
def halved(photos: Path) -> Halved:
    return Halved(dict(type="FolderImages", root=str(photos)), "", dict(type="Noise", sigma=40))


def weights(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("polyak", [0.0, 0.9])
def test_a_stage_that_continues_is_the_rest_of_one_training(denoising, stage, tmp_path: Path, polyak: float) -> None:
    task, whole, first, second = denoising(), *(tmp_path / name for name in ("whole", "first", "second"))
    once = task.fit(NORMED, stage(epochs=3, polyak=polyak), seed=1, keep=str(whole))
    task.fit(NORMED, stage(epochs=1, polyak=polyak, continued=True), seed=1, keep=str(first))
    onward = stage(epochs=2, polyak=polyak, continues=True)
    rest = task.fit(NORMED, onward, seed=1, start=Start(str(first)), keep=str(second))
    assert rest.metrics == once.metrics
    assert equal(weights(whole), weights(second))
    assert not Path(f"{whole}.optimizer").exists()
    renewed = 8 if polyak else 0  # what the norms of averaged weights see
    assert rest.cost.images == 2 * 8 + renewed + 3


def test_dropout_is_drawn_from_the_seed(denoising, stage, forgetful, tmp_path: Path) -> None:
    task, first = denoising(), str(tmp_path / "first")
    state = torch.random.get_rng_state()
    once, again = (task.fit(forgetful, stage(epochs=3), seed=1).metrics for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert once == again
    assert once != task.fit(forgetful, stage(epochs=3), seed=2).metrics
    task.fit(forgetful, stage(epochs=1, continued=True), seed=1, keep=first)
    rest = task.fit(forgetful, stage(epochs=2, continues=True), seed=1, start=Start(first))
    assert rest.metrics == once


@pytest.mark.parametrize("start", [False, True])
def test_what_cannot_be_continued_is_refused(denoising, stage, tmp_path: Path, start: bool) -> None:
    task, first = denoising(), str(tmp_path / "first")
    task.fit(NORMED, stage(epochs=1), seed=1, keep=first)
    with pytest.raises(ValueError, match="stage 'short' continues another, but none that is `continued` comes before"):
        task.fit(NORMED, stage(continues=True), seed=1, start=Start(first) if start else None)


def test_another_kind_of_training_cannot_be_continued(denoising, stage, tmp_path: Path) -> None:
    task, first = denoising(), str(tmp_path / "first")
    task.fit(NORMED, stage(epochs=1, continued=True), seed=1, keep=first)
    with pytest.raises(ValueError, match="must keep encoder_lr and polyak"):
        task.fit(NORMED, stage(continues=True, polyak=0.9), seed=1, start=Start(first))


def test_a_killed_training_goes_on_and_its_price_is_that_of_one(
    denoising, stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, path = stage(epochs=4, polyak=0.9, schedule="poly", resumable=True), str(tmp_path / "weights")
    once = denoising().fit(NORMED, long, seed=1)

    def killed(name: str, at: int) -> None:
        """A training that dies when a method is called for the time `at`."""
        calls, method = iter(range(1, 99)), getattr(RestorationTask, name)

        def dying(self, *arguments):
            if next(calls) == at:
                raise KeyboardInterrupt
            return method(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(RestorationTask, name, dying)
            with pytest.raises(KeyboardInterrupt):
                denoising().fit(NORMED, long, seed=1, keep=path)

    killed("batch_loss", at=6)  # in the third epoch of two batches each
    killed("score", at=1)  # and again, when all epochs are done
    monkeypatch.setattr("tasks.training.Training.epoch", None)  # nothing is learnt again
    outcome = denoising().fit(NORMED, long, seed=1, keep=path)
    assert outcome.metrics == once.metrics
    assert (outcome.cost.images, outcome.cost.pixels) == (once.cost.images, once.cost.pixels)
    assert [file.name for file in tmp_path.iterdir()] == ["weights"]


def test_a_training_that_takes_too_long_is_given_up(denoising, stage) -> None:
    task = denoising()
    spent = task.meter.measure()
    with pytest.raises(TimeoutError, match="max_seconds, 1e-09"):
        task.fit(NORMED, stage(max_seconds=1e-9), seed=1)
    assert spent.cost.images == 0
    assert task.fit(NORMED, stage(max_seconds=600.0), seed=1).cost.images == 19


def test_norms_of_averaged_weights_see_large_batches(denoising, stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics of small crops, four at a time, would not be those that the deep layers meet later."""
    sizes = []
    loss = RestorationTask.batch_loss

    def spied(self, network, stage, batch):
        sizes.append((len(batch.truth), torch.is_grad_enabled()))
        return loss(self, network, stage, batch)

    monkeypatch.setattr(RestorationTask, "batch_loss", spied)
    long = stage(epochs=1, copies=25, polyak=0.9)
    outcome = denoising().fit(NORMED, long, seed=0)
    assert sizes == [(4, True)] * 50 + [(32, False)] * 4
    assert outcome.cost.images == 200 + 128 + 3
    sizes.clear()
    denoising().fit({"network": dict(type="DnCNN", width=6, depth=3)}, long, seed=0)
    assert sizes == [(4, True)] * 50  # it has no norms


def test_without_epochs_a_network_is_only_scored(denoising, stage, tmp_path: Path) -> None:
    task, path = denoising(), str(tmp_path / "weights")
    trained = task.fit(NORMED, stage(), seed=1, keep=path)
    scored = task.fit(NORMED, stage(epochs=0), seed=2, start=Start(path))
    assert scored.cost.images == 3
    assert scored.metrics["PSNR"] == trained.metrics["PSNR"]
    assert scored.metrics["loss"] != trained.metrics["loss"]  # the one on the scored images


def test_what_is_inherited_is_reported(denoising, stage, tmp_path: Path) -> None:
    task, path = denoising(), str(tmp_path / "weights")
    task.fit(NORMED, stage(), seed=1, keep=path)
    assert task.fit(NORMED, stage(), seed=2, start=Start(path)).inherited == Inherited(10, 0, 0)
    other = {"network": {**NORMED["network"], "depth": 4}}

    def doubled(weights, fresh):
        return {**fresh, "model.0.weight": weights["model.0.weight"], "model.0.bias": 2 * weights["model.0.bias"]}

    fitted = task.fit(other, stage(epochs=0), seed=2, start=Start(path, doubled), keep=str(tmp_path / "child"))
    assert fitted.inherited == Inherited(1, 1, 14)
    old, new = weights(Path(path)), weights(tmp_path / "child")
    assert torch.equal(old["model.0.weight"], new["model.0.weight"])
    assert torch.equal(2 * old["model.0.bias"], new["model.0.bias"])
    torch.save({"elsewhere": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth does not fit: the network takes over none of its 1 tensors"):
        task.fit(NORMED, stage(), seed=1, start=Start(str(tmp_path / "other.pth")))


def test_a_frozen_encoder_is_not_kept(halved: Halved, stage, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("frozen", "trained", "again")]
    halved.fit(NORMED, stage(continued=True), seed=1, keep=str(paths[0]))
    assert not any(name.startswith("model.0.") for name in weights(paths[0]))
    kept = torch.load(f"{paths[0]}.optimizer", weights_only=True)["network"]
    assert not any(name.startswith("model.0.") for name in kept)
    trained = halved.fit(NORMED, stage(encoder_lr=1e-3), seed=1, start=Start(str(paths[0])), keep=str(paths[1]))
    assert trained.inherited == Inherited(8, 0, 2)
    again = halved.fit(NORMED, stage(), seed=1, start=Start(str(paths[1])), keep=str(paths[2]))
    assert again.inherited == Inherited(10, 0, 0)
    for name in ("model.0.weight", "model.0.bias"):  # another one than all share: it is kept
        assert torch.equal(weights(paths[1])[name], weights(paths[2])[name])
