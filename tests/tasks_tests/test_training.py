"""The training loop of all tasks: what it goes on from, what it seeds, meters and leaves, when it gives up."""

from __future__ import annotations

import json
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

    reads = RestorationTask.reads | {"encoder_lr", "encoder"}

    def groups(self, network: Any, stage: Any) -> Any:
        encoder, trained = network.model[0], stage.recipe.trains_encoder
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


WARM = dict(type="LinearLR", start_factor=0.2, end=3, by_epoch=False)
SGD: dict[str, Any] = dict(
    optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4),
    schedule=[WARM, dict(type="CosineAnnealingLR", begin=3, end=6, by_epoch=False)],
)
RMSPROP = dict(
    optimizer=dict(type="RMSprop", lr=3e-3, momentum=0.9, weight_decay=4e-5),
    schedule=[dict(type="MultiStepLR", milestones=[1, 2], end=3)],
    average=dict(type="EpochPolyak", decay=0.9),
)


@pytest.mark.parametrize(
    "recipe", [{}, dict(polyak=0.9), SGD, RMSPROP], ids=["plain", "averaged", "sgd_cosine", "rmsprop_steps"]
)
def test_a_stage_that_continues_is_the_rest_of_one_training(denoising, stage, tmp_path: Path, recipe: Any) -> None:
    task, whole, first, second = denoising(), *(tmp_path / name for name in ("whole", "first", "second"))
    once = task.fit(NORMED, stage(epochs=3, **recipe), seed=1, keep=str(whole))
    task.fit(NORMED, stage(epochs=1, **recipe, continued=True), seed=1, keep=str(first))
    onward = stage(epochs=2, **recipe, continues=True)
    rest = task.fit(NORMED, onward, seed=1, start=Start(str(first)), keep=str(second))
    assert rest.metrics == once.metrics
    assert equal(weights(whole), weights(second))
    assert not Path(f"{whole}.optimizer").exists()
    renewed = 8 if "polyak" in recipe else 0  # what the norms of averaged weights see
    assert rest.cost.images == 2 * 8 + renewed + 3


def test_two_optimisers_go_on_as_one_training(halved: Halved, stage, tmp_path: Path) -> None:
    """The encoder's own SGD, the average in place after every epoch: as in CVPR 2019."""
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    recipe = dict(
        optimizer=dict(type="Adam", lr=3e-3),
        encoder=dict(type="SGD", lr=1e-3, momentum=0.9),
        average=dict(type="EpochPolyak", decay=0.9),
    )
    once = halved.fit(NORMED, stage(epochs=3, **recipe), seed=1, keep=str(whole))
    halved.fit(NORMED, stage(epochs=1, **recipe, continued=True), seed=1, keep=str(first))
    onward = stage(epochs=2, **recipe, continues=True)
    halved.fit(NORMED, onward, seed=1, start=Start(str(first)), keep=str(second))
    assert equal(weights(whole), weights(second))
    fresh = halved.begin(NORMED, onward, 1).state_dict()
    assert not torch.equal(weights(whole)["model.0.weight"], fresh["model.0.weight"])
    assert once.cost.images == 3 * 8 + 3  # its norms keep the statistics of the training, which cost nothing
    renewed = stage(epochs=3, **{**recipe, "average": dict(type="EpochPolyak", decay=0.9, renew=True)})
    again = halved.fit(NORMED, renewed, seed=1, keep=str(second))
    assert again.cost.images == 3 * 8 + 8 + 3
    changed = [name for name in weights(whole) if not torch.equal(weights(whole)[name], weights(second)[name])]
    assert changed
    assert all("running" in name or "tracked" in name for name in changed)


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


def test_a_stage_that_continues_has_the_rates_of_its_own_unless_they_follow_a_schedule(
    denoising, stage, tmp_path: Path
) -> None:
    task, first, last = denoising(), str(tmp_path / "first"), str(tmp_path / "last")

    def onward(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Tensor]:
        task.fit(NORMED, stage(epochs=1, **one, continued=True), seed=1, keep=first)
        task.fit(NORMED, stage(epochs=1, **other, continues=True), seed=1, start=Start(first), keep=last)
        return weights(Path(last))

    assert not equal(onward(dict(lr=3e-3), dict(lr=1e-3)), onward(dict(lr=3e-3), dict(lr=3e-3)))
    slower = {**SGD, "optimizer": {**SGD["optimizer"], "lr": 0.05}}
    assert equal(onward(SGD, slower), onward(SGD, SGD))


@pytest.mark.parametrize("start", [False, True])
def test_what_cannot_be_continued_is_refused(denoising, stage, tmp_path: Path, start: bool) -> None:
    task, first = denoising(), str(tmp_path / "first")
    task.fit(NORMED, stage(epochs=1), seed=1, keep=first)
    with pytest.raises(ValueError, match="stage 'short' continues another, but none that is `continued` comes before"):
        task.fit(NORMED, stage(continues=True), seed=1, start=Start(first) if start else None)


def test_another_kind_of_training_cannot_be_continued(denoising, stage, tmp_path: Path) -> None:
    task, first = denoising(), str(tmp_path / "first")
    task.fit(NORMED, stage(epochs=1, continued=True), seed=1, keep=first)
    for other in (
        dict(polyak=0.9),
        dict(optimizer=dict(type="RAdam", lr=3e-3)),
        {k: RMSPROP[k] for k in ("schedule",)},
    ):
        with pytest.raises(ValueError, match="must keep encoder_lr and polyak"):
            task.fit(NORMED, stage(continues=True, **other), seed=1, start=Start(first))


@pytest.mark.parametrize("recipe", [dict(polyak=0.9, schedule="poly"), SGD, RMSPROP], ids=["poly", "sgd", "rms"])
def test_a_killed_training_goes_on_and_its_price_is_that_of_one(
    denoising, stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Any
) -> None:
    long, path = stage(epochs=4, **recipe, resumable=True), str(tmp_path / "weights")
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
    assert sorted(file.name for file in tmp_path.iterdir()) == ["weights", "weights.losses"]
    assert len(json.loads((tmp_path / "weights.losses").read_text())) == 4


@pytest.mark.parametrize("damage", ["cut", "flipped", "of another seed"])
def test_a_checkpoint_that_does_not_belong_is_set_aside_with_a_line(
    denoising, stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    long, path = stage(epochs=2, resumable=True), str(tmp_path / "weights")
    once = denoising().fit(NORMED, long, seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(RestorationTask, "score", None)
        with pytest.raises(TypeError):
            denoising().fit(NORMED, long, seed=2 if damage == "of another seed" else 1, keep=path)
    left = Path(f"{path}.epoch")
    if damage == "cut":
        left.write_bytes(left.read_bytes()[:-500])
    elif damage == "flipped":
        data = bytearray(left.read_bytes())
        for place in range(len(data) // 2, len(data) // 2 + 64):  # torch fills up to 63 bytes between two tensors
            data[place] ^= 1
        left.write_bytes(data)
    outcome = denoising().fit(NORMED, long, seed=1, keep=path)
    assert outcome.metrics == once.metrics
    said = capsys.readouterr().err
    assert f"{left} cannot be gone on from" in said
    assert said.count("\n") == 1
    assert not left.exists()


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
