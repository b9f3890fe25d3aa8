"""A classifier around any backbone, which MMEngine's runner trains and tests as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """The last map of a backbone, `channels` wide, averaged over all places and scored: (N, 3, H, W) in, (N, classes) out."""

    def __init__(
        self,
        backbone: Mapping[str, Any],
        channels: int,
        classes: int,
        dropout: float = 0.0,
        data_preprocessor: Mapping[str, Any] | None = None,
    ):
        super().__init__(dict(data_preprocessor) if data_preprocessor else None)
        self.backbone: Any = MODELS.build(dict(backbone))
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(channels, classes)

    def scores(self, maps: Sequence[Tensor]) -> Tensor:
        return self.head(self.dropout(maps[-1].mean((2, 3))))

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        scores = self.scores(self.backbone(inputs))
        if mode == "tensor":
            return scores
        labels = torch.as_tensor(data_samples, device=scores.device)
        return {"loss": F.cross_entropy(scores, labels)} if mode == "loss" else list(zip(scores, labels, strict=True))
