"""A task whose networks are a shared encoder and a searched decoder that gives numbers of every pixel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from core import content_key, matching, parse
from tasks.batch import Batch
from tasks.cache import cached
from tasks.cost import Cost
from tasks.decoding.scores import OwnScores, resize, scores_of
from tasks.decoding.templates import EncoderDecoder
from tasks.encoder_task import EncoderOptions, EncoderTask
from tasks.parallel import total
from tasks.stage import Stage
from tasks.task import Parts
from tasks.templates import takes
from tasks.trainable import build_network
from tasks.weights import load_checked

WEIGHTS = "teacher.pth"


@dataclass(frozen=True)
class DecoderOptions(EncoderOptions):
    """`distill` is the weight of the squared distance to the teacher's scores, `aux` that of auxiliary classifiers.

    Decoders that know no auxiliary classifiers, as MMSegmentation's heads, do without. `loss_at` says at which size a
    decoder's own scores meet the truth: that of the images ("labels"), or that of the scores, as in the code of Nekrasov et
    al. (CVPR 2019), which takes a fifth to a third off a step on cached features.
    """

    distill: float = 0.0
    aux: float = 0.0
    loss_at: Literal["labels", "scores"] = "labels"

    def __post_init__(self) -> None:
        if self.distill < 0 or self.aux < 0:
            raise ValueError(f"distill and aux must not be negative, not {self.distill} and {self.aux}")


@dataclass(frozen=True)
class Teacher:
    """A network that another one learns from: the parts of its model, and where its weights come from.

    They are read from `weights`, a file that a final training left, or learnt in `stage`, once, and kept in the cache.
    """

    model: Mapping[str, Any]
    weights: str | None = None
    stage: Stage | None = None

    def __post_init__(self) -> None:
        if (self.weights is None) == (self.stage is None):
            raise ValueError("give either weights, a file's path, or a stage to learn them in")
        if self.weights is not None and not Path(self.weights).is_file():
            raise ValueError(f"there are no teacher weights {self.weights}: give the path of a file")


class DecoderTask(EncoderTask):
    """Say something of every pixel: what segmentation, depth and keypoints have in common.

    `teacher` is a `Teacher`, which stages with `distill` learn from; the other settings are an `EncoderTask`'s. A task states
    its data, how many numbers there are of a pixel (`outputs`), how far they are from the truth (`distance`), and metrics.
    Whatever losses a decode head's config names, all networks learn by the same one.
    """

    Options = DecoderOptions
    Template = EncoderDecoder
    plain = "EncoderDecoder"

    def __init__(self, *, teacher: Mapping[str, Any] | None = None, **settings: Any):
        super().__init__(**settings)
        self._scoring: set[str] = set()  # decode heads that were looked at
        self._teaching = None if teacher is None else parse(Teacher, teacher, "the teacher")

    def check(self, stages: Iterable[Stage]) -> None:
        super().check(stages := list(stages))
        distilled = [stage for stage in stages if self.options(stage).distill]
        if distilled and self._teaching is None:
            name = distilled[0].name
            raise ValueError(f"stage {name!r} distills, but the task has no teacher: set its distill to 0")
        own = self._teaching.stage if self._teaching else None
        if distilled and own:
            super().check([own])
            if self.options(own).distill:
                raise ValueError(f"the teacher's own stage {own.name!r} distills: set its distill to 0")
            for stage in stages:
                if stage.view.eval in own.view.train:
                    seen = f"the split {stage.view.eval!r}, which the teacher learns from"
                    raise ValueError(f"stage {stage.name!r} is scored on {seen}: give the teacher other splits")

    def learns_from(self, stage: Stage) -> Sequence[str]:
        own = self._teaching.stage if self._teaching and self.options(stage).distill else None
        return (*stage.view.train, *(own.view.train if own else ()))

    def prepare(self, stages: Sequence[Stage]) -> Cost:
        self.check(stages := list(stages))
        self.encoder.prepare()  # first, as its cost is not the teacher's
        taught = any(map(self.teacher, stages))  # now, wherever its weights come from: they may be wrong
        learns = taught and self._teaching and self._teaching.stage
        return super().prepare(stages) + (self._learnt[1] if learns else Cost())

    def batches(self, stage: Stage, seed: int, epoch: int, epochs: int = 1) -> Iterator[Batch]:
        teacher = self.teacher(stage)
        for batch in super().batches(stage, seed, epoch, epochs):
            if teacher is not None and batch.teacher is None:  # the scores of cached crops are cached, too
                self.meter.count(total(len(batch.truth)), stage.view.size)
                with torch.no_grad():
                    batch = replace(batch, teacher=teacher(batch.inputs))
            yield batch

    # The network.

    def network(self, model: Parts) -> nn.Module:
        model = self.without_aux(model)
        decoder = self._decoder(model)
        if not takes(decoder, "aux") and content_key(decoder) not in self._scoring:  # not made for this task: seen once
            with torch.no_grad():
                shown = build_network(self.config(model), 0, "meta").eval()
                scores_of(shown(torch.empty(1, *self.input_shape, device="meta")))
            self._scoring.add(content_key(decoder))
        return super().network(model)

    def trained(self, model: Parts, stage: Stage) -> Parts:
        model = super().trained(model, stage)
        if not self.options(stage).aux:
            return self.without_aux(model)
        decoder = self._decoder(model)
        if takes(decoder, "aux") and not decoder.get("aux"):
            missing = f"{decoder['type']} has no auxiliary classifiers"
            raise ValueError(f"stage {stage.name!r} sets aux, but {missing}: set aux to 0")
        return model

    def _decoder(self, model: Parts) -> Mapping[str, Any]:
        return model.get("decoder", self.template.decoder)

    def without_aux(self, model: Parts) -> Parts:
        """The parts without classifiers that only serve in training."""
        decoder = self._decoder(model)
        return {**model, "decoder": {**decoder, "aux": None}} if takes(decoder, "aux") else model

    def teacher(self, stage: Stage) -> nn.Module | None:
        return self._teacher if self.options(stage).distill else None

    @cached_property
    def _teacher(self) -> Any:
        assert self._teaching is not None
        path = self._teaching.weights or str(self._learnt[0] / WEIGHTS)
        try:
            return OwnScores(self.finished(self._teaching.model, load_checked(path))).eval()
        except ValueError as error:
            raise ValueError(f"the teacher with the weights {path} cannot be used: {error}") from None

    @cached_property
    def _learnt(self) -> tuple[Path, Cost]:
        """The folder of a teacher that learns in a stage, and what that cost."""
        assert self._teaching is not None
        assert self._teaching.stage is not None
        model, stage = self._teaching.model, self._teaching.stage
        identity = {
            "model": self._taught(model),
            "stage": str(stage),
            "data": self.data_print(*stage.view.train),
            "encoder": self.encoder.identity,
            "version": 1,
        }

        def learn(folder: Path) -> None:
            self.train_and_score(model, stage, 0, None, str(folder / WEIGHTS), matching)

        return cached(Path(self.cache), "teacher", identity, learn, self.meter)

    @cached_property
    def teacher_print(self) -> str | None:
        if self._teaching is None:
            return None
        path = self._teaching.weights
        origin = sha256(Path(path).read_bytes()).hexdigest() if path else str(self._teaching.stage)
        return content_key([self._taught(self._teaching.model), origin])

    def _taught(self, model: Parts) -> dict[str, Any]:
        """The parts of a teacher, the plain ones as well, and all else that decides what it is."""
        return {**model, "decoder": self._decoder(model), **self.learns_by}

    @property
    def learns_by(self) -> dict[str, Any]:
        """Settings of the task that `distance` depends on, by name."""
        return {}

    # Training.

    def forward(self, network: Any, inputs: Any) -> Sequence[Tensor]:
        """A decoder's own scores, and those of its auxiliary classifiers."""
        return scores_of(network.decode_head(self.taps(network, inputs)))

    @abstractmethod
    def distance(self, scores: Tensor, truth: Tensor) -> Tensor:
        """The loss of scores (N, outputs, h, w), of any size, by the truth of their images."""

    def criterion(self, network: Any, stage: Stage, outputs: Sequence[Tensor], batch: Batch) -> Tensor:
        """The distance to the truth with the auxiliary terms, and the mean squared distance to the teacher's scores.

        Own scores are brought to the images' size, or stay as they are where `loss_at` says so. So do the auxiliary scores,
        which weigh less and would cost as much.
        """
        options = self.options(stage)
        own, *auxiliary = outputs
        loss = self.distance(resize(own, stage.view.size) if options.loss_at == "labels" else own, batch.truth)
        for x in auxiliary:
            loss = loss + options.aux * self.distance(x, batch.truth)
        if options.distill:
            assert batch.teacher is not None
            loss = loss + options.distill * F.mse_loss(resize(own, batch.teacher.shape[-2:]), batch.teacher)
        return loss
