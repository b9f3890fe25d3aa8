"""Classification: a backbone, its last map averaged and scored, training in stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from tasks.batch import Batch
from tasks.classification.data import ClassificationData
from tasks.classification.deployment import Labels
from tasks.classification.drawing import captioned, likeliest, probabilities
from tasks.classification.metrics import Ranks, metric_names
from tasks.classification.samples import ClassificationSamples
from tasks.classification.templates import Classifier
from tasks.deployment import Example, as_batch, plain
from tasks.encoder_task import EncoderOptions, EncoderTask
from tasks.stage import Stage
from tasks.task import Parts


@dataclass(frozen=True)
class ClassificationOptions(EncoderOptions):
    """`smoothing` is the share of a label that is dealt out to all classes alike (Szegedy et al., CVPR 2016, section 7)."""

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing must be at least 0 and below 1, not {self.smoothing}")


class ClassificationTask(EncoderTask):
    """Say what an image shows. `data` is the config of a `ClassificationData`, `template` that of a `Classifier`.

    Images are scored whole, at the view's `eval_size`, which may change their aspect; None: each at its own size, one by one.
    Metrics are those of `Ranks`, top5 where there are more than five classes; "loss" is the mean training loss of the last
    epoch.
    """

    primary = "top1"
    metrics = (*metric_names(1000), "loss")
    errors = ("cross_entropy",)
    Options = ClassificationOptions
    Data, Template, plain = ClassificationData, Classifier, "Classifier"

    def __init__(self, **settings: Any):
        super().__init__(**settings)
        self.metrics = (*metric_names(len(self.data.classes)), "loss")

    def samples(self, stage: Stage) -> ClassificationSamples:
        return ClassificationSamples(self.data, stage)

    def forward(self, network: Any, inputs: Any) -> Tensor:
        return network.scores(self.taps(network, inputs))

    def criterion(self, network: Any, stage: Stage, outputs: Tensor, batch: Batch) -> Tensor:
        return F.cross_entropy(outputs, batch.truth, label_smoothing=self.options(stage).smoothing)

    def score(self, network: Any, stage: Stage) -> dict[str, float]:
        return self.confusion(network, stage).metrics()

    def confusion(self, network: Any, stage: Stage) -> Ranks:
        """How a network ranks the classes of the stage's scored images."""
        ranks = Ranks(len(self.data.classes))
        cached = stage.view.eval_size or self.data.shape(
            stage.view.eval, 0
        )  # the size behind features, the same for all
        for batch in self.scored_batches(stage):
            size = batch.inputs.shape[-2:] if isinstance(batch.inputs, Tensor) else cached
            self.meter.count(len(batch.truth), size)
            ranks.add(self.forward(network, batch.inputs), batch.truth)
        return ranks

    # Taken home.

    def deployed(self, network: nn.Module) -> nn.Module:
        return Labels(network)

    def usage(self, stage: Stage) -> dict[str, Any]:
        seen = dict(classes=self.data.classes, colours="rgb", white=255, size=stage.view.eval_size)
        return dict(task="classification", **seen)

    def example(self, network: Any, image: np.ndarray, truth: np.ndarray) -> Example:
        shares = probabilities(network(as_batch(image, self.device))[0].cpu().numpy())
        classes, label = self.data.classes, int(truth)
        (name, share), *_ = likeliest(shares, classes)
        answer = captioned(image, [f"{share:.1%} {name}"])
        pictures = dict(input=captioned(image, [""]), truth=captioned(image, [classes[label]]), answer=answer)
        return Example(pictures, {"probability": 100 * float(shares[label])})

    def stock(self, model: Parts, stage: Stage) -> dict[str, Any]:
        split = dict(type="ClassificationSplit", data=self.data_config, view=plain(stage.view))
        evaluator = dict(type="ClassificationScores")
        test = {**split, "scored": True}
        return dict(scope="mmengine", model=self.config(model), train=split, test=test, evaluator=evaluator)
