"""A task that trains networks in stages, and lets a strategy take over the loop.

Torch is imported where something is trained or built: a task that has a closed form as well goes without it.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import Inherit, content_key, matching
from tasks.cost import BATCH_PARTS, Cost, Inherited, Spent
from tasks.data import SPLITS, Data
from tasks.stage import Stage
from tasks.task import Parts, Start, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from tasks.batch import Batch
    from tasks.samples import Sample, Samples

    Groups = tuple[list[nn.Parameter], list[nn.Parameter], nn.Module | None]

VIEW = {"train", "eval", "share", "half", "size", "scale", "copies"}
RECIPE = {"epochs", "batch", "lr", "weight_decay", "optimizer", "paramwise_cfg", "schedule", "clip", "clip_value"}
RECIPE |= {"polyak", "average", "bfloat16", "resumable", "continues", "continued", "max_seconds"}
MOST_WORKERS = 256


class Trainable(Task):
    """Has data and batches of it, begins a network, has a loss and scores: `fit` puts them together for one stage.

    `workers` processes read images ahead of time, which changes no batch. None: one for each of torch's threads, up to 8,
    where images lie in files, and none where they lie in memory. `by_steps`: single networks are trained as supernets are.
    """

    reads, by_steps = frozenset(VIEW | RECIPE), True

    def __init__(
        self, data: Data, cache: str, device: str, input_shape: tuple[int, int, int], workers: int | None = None
    ):
        super().__init__(cache, device, input_shape)
        if workers is not None and not 0 <= workers <= MOST_WORKERS:
            raise ValueError(f"workers must be from 0 to {MOST_WORKERS}, or None, not {workers}")
        self.data: Any = data
        self._print = lru_cache(data.fingerprint)  # for which all files are read
        self.workers, self._sound = workers, set[str]()  # splits that were checked

    # Data.

    def data_print(self, *others: str) -> str:
        """The data's fingerprint, also of splits that are none of the usual."""
        return self._print(*sorted({*others} - {*SPLITS}))

    def fingerprint(self, *others: str) -> str:
        return self.data_print(*others)

    def check(self, stages: Iterable[Stage]) -> None:
        super().check(stages := list(stages))
        splits = {split for stage in stages for split in (*stage.view.train, stage.view.eval)} - self._sound
        self.data.check(sorted(splits), sorted({stage.view.eval for stage in stages}))
        self._sound |= splits
        for stage in stages:
            self.samples(stage).check(stage.name)
            if stage.recipe.epochs and stage.recipe.names_classes:
                self.rehearse(stage)

    def pictures(self, split: str) -> list[tuple[bytes, str]]:
        return self.data.pictures(split)

    def rehearse(self, stage: Stage) -> None:
        """Try out how a stage learns, on a few weights. Raises ValueError."""
        from tasks.optimization import rehearse

        try:
            rehearse(stage.recipe, self.steps(stage))
        except ValueError as error:
            raise ValueError(f"stage {stage.name!r}: {error}") from None

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        self.check(stages)
        self.data.keep()
        return Cost()

    @abstractmethod
    def samples(self, stage: Stage) -> Samples:
        """What a stage trains on and scores."""

    @abstractmethod
    def on_device(self, images: Tensor, truths: Tensor) -> Batch:
        """Stacked samples as a network takes them."""

    def batch(self, samples: Sequence[Sample]) -> Batch:
        """Samples of one size as a network takes them."""
        import torch

        from tasks.loading import stacked

        return self.on_device(*map(torch.from_numpy, stacked(samples)))

    @property
    def reading(self) -> int:
        """How many processes read ahead."""
        import torch

        from tasks.loading import MOST

        if self.workers is not None:
            return self.workers
        return 0 if self.data.in_memory else min(MOST, torch.get_num_threads())

    def steps(self, stage: Stage) -> int:
        """How many steps all epochs of a stage take."""
        return stage.recipe.epochs * len(self.samples(stage).batches(0, 0))

    def batches(self, stage: Stage, seed: int, epoch: int, epochs: int = 1) -> Iterator[Batch]:
        """The training batches of `epochs` in a row from `epoch` on, each in an order drawn from (seed, epoch)."""
        samples = self.samples(stage)
        places = samples.places(seed, epoch, epochs)
        return self._read(lambda chosen, of: [samples.crop(int(place), seed, of) for place in chosen], places)

    def scored_batches(self, stage: Stage) -> Iterator[Batch]:
        """The images to score in order; one at a time where each keeps its own size."""
        return self.scored(self.samples(stage))

    def scored(self, samples: Samples) -> Iterator[Batch]:
        """The same, of these samples."""
        places = ((chosen,) for chosen in samples.scored_batches())
        return self._read(lambda chosen: [samples.scored(index) for index in chosen], places)

    def _read(self, read: Callable[..., list[Sample]], requests: Iterable[tuple[Any, ...]]) -> Iterator[Batch]:
        """A batch of the samples that `read` gives for each of the requests, which are its arguments."""
        from tasks.loading import read_ahead, stacked

        made = read_ahead(lambda request: stacked(read(*request)), requests, self.reading, "cuda" in self.device)
        return (self.on_device(*tensors) for tensors in made)

    # Networks.

    def network(self, model: Parts) -> nn.Module:
        return build_network(self.config(model), 0, self.device).eval()

    def begin(self, model: Parts, stage: Stage, seed: int, adopt: Inherit = matching) -> Any:
        """A network that has seen nothing: weights from `seed` and the shared encoder's; frozen ones marked."""
        return build_network(self.config(model), seed, self.device)

    def groups(self, network: Any, stage: Stage) -> Groups:
        """The weights that are searched, those of the encoder if it learns, and a part that stays as it is."""
        return list(network.parameters()), [], None

    def loss(self, network: Any, stage: Stage, batch: Batch) -> Tensor:
        """The training loss of one batch, which is metered."""
        from tasks.parallel import total

        self.meter.count(total(len(batch)), stage.view.size)
        return self.batch_loss(network, stage, batch)

    def batch_loss(self, network: Any, stage: Stage, batch: Batch) -> Tensor:
        """The same, not metered. In a stage with `bfloat16` the network computes in that type, the loss in float32."""
        import torch
        from torch.utils._pytree import tree_map

        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=stage.recipe.bfloat16):
            outputs = self.forward(network, batch.inputs)
        if stage.recipe.bfloat16:
            outputs = tree_map(torch.Tensor.float, outputs)
        return self.criterion(network, stage, outputs, batch)

    @abstractmethod
    def forward(self, network: Any, inputs: Any) -> Any:
        """What a network makes of a batch's inputs: a tensor, or several in tuples and lists."""

    @abstractmethod
    def criterion(self, network: Any, stage: Stage, outputs: Any, batch: Batch) -> Tensor:
        """The training loss of these outputs."""

    @abstractmethod
    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        """The metrics of a network in eval mode, without gradients, on the stage's scored images, which are metered."""

    def renew(self, network: Any, stage: Stage, seed: int, epoch: int) -> None:
        """Give the batch norms that are in training mode, if any, statistics of the weights as they are."""
        import torch

        from tasks.norms import BATCH, IMAGES, fresh_statistics
        from tasks.training import seeded

        batch = max(stage.recipe.batch, BATCH)
        large = replace(stage, recipe=replace(stage.recipe, batch=batch))
        with torch.no_grad(), seeded(seed, epoch), fresh_statistics(network) as norms:
            batches = self.batches(large, seed, epoch) if norms else iter(())
            for seen in islice(batches, math.ceil(IMAGES / batch)):
                self.loss(network, stage, seen)
            del batches  # and with it the processes that read ahead

    def train_and_score(
        self, model: Parts, stage: Stage, seed: int, start: Start | None, keep: str | None, adopt: Inherit
    ) -> tuple[dict[str, float], Inherited | None]:
        import torch

        from tasks.accumulation import in_parts
        from tasks.norms import folded
        from tasks.training import train_mode
        from tasks.weights import load, own, save, take_over

        weights, spent = {} if start is None else load(start.path), self.meter.measure()

        def learn(parts: int) -> tuple[Any, Any, Inherited | None, dict[str, float]]:
            network = self.begin(model, stage, seed, adopt)
            frozen, inherited = self.groups(network, stage)[2], None
            if start is not None and network.state_dict():  # some networks to compare with have no weights
                inherited = take_over(network, weights, start, frozen)
            return network, frozen, inherited, self._train(network, stage, seed, start, keep, spent, parts)

        network, frozen, inherited, training = in_parts(learn)
        if start is not None and start.inherit and not stage.recipe.epochs:  # its norms have seen another network
            train_mode(network, frozen)
            self.renew(network, stage, seed, 0)
        network.eval()
        with torch.no_grad(), folded(network):
            metrics = self.score(network, stage)
        if keep is not None:
            save(own(network, frozen, weights), keep)
            Path(f"{keep}.epoch").unlink(missing_ok=True)
        return {**metrics, **training}, inherited

    def _train(
        self, network: Any, stage: Stage, seed: int, start: Start | None, keep: str | None, spent: Spent, parts: int
    ) -> dict[str, float]:
        """Train a network for the stage's epochs; the mean loss of the last one, if there is anything to learn.

        `spent` is what the stage has cost, with an attempt that did not fit into memory by batches in fewer `parts`.
        """
        from tasks.optimization import Optimization
        from tasks.parallel import first_before_others, leave, rank, together
        from tasks.training import Training, described, in_time, train_mode

        recipe, (searched, encoder, frozen) = stage.recipe, self.groups(network, stage)
        if not recipe.epochs or not (searched or encoder):
            leave()
            return {}
        optimization = Optimization(recipe, network, searched, encoder, self.steps(stage))
        training = Training(network, frozen, optimization, seed, parts)
        if recipe.continues:
            if start is None or not Path(f"{start.path}.optimizer").is_file():
                raise ValueError(f"stage {stage.name!r} continues another, but none that is `continued` comes before")
            training.load(f"{start.path}.optimizer")
        last = training.epochs + recipe.epochs
        checkpoint = Path(f"{keep}.epoch") if keep is not None and recipe.resumable else None
        what = [self.fingerprint(*stage.view.train), str(stage), seed, *described(network)] if checkpoint else []
        with first_before_others():
            if checkpoint is not None and checkpoint.is_file():
                carried = training.resume(checkpoint, content_key(what))
                if parts == 1:  # else this process has spent that itself, or carried it before
                    self.meter.carry(carried)
        train_mode(network, frozen)
        loss = together(network, self.device, lambda batch: self.loss(network, stage, batch))
        steps = self.steps(stage) // recipe.epochs
        batches = self.batches(stage, seed, training.epochs, last - training.epochs)
        with closing(in_time(batches, spent, recipe.max_seconds)) as timed:
            del batches  # closed with `timed`
            while training.epochs < last:
                training.epoch(islice(timed, steps), loss)
                if checkpoint is not None and not rank():
                    training.save(checkpoint, spent.cost, content_key(what))
        leave()
        if keep is not None and (recipe.continues or recipe.continued):
            training.save(f"{keep}.optimizer", spent.cost)
        training.settle(partial(self.renew, network, stage, seed))
        if keep is not None:
            Path(f"{keep}.losses").write_text(json.dumps(training.losses))
        return {"loss": training.loss, **({BATCH_PARTS: training.parts} if training.parts > 1 else {})}


def build_network(config: Parts, seed: int, device: str) -> Any:
    """A module of MMEngine's registries with weights drawn from `seed`.

    Modules draw them from torch's global generator, which cannot be handed in; it is left as it was found.
    """
    import torch
    from mmengine.config import ConfigDict
    from mmengine.registry import MODELS

    from tasks.convolutions import quicken

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = MODELS.build(ConfigDict(config))
    if device == "cpu":
        quicken(module)
    return module.to(device=device, memory_format=torch.channels_last)
