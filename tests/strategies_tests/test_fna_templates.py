"""FNA's supernet under the networks that it was published with."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from core import build
from search_spaces.mbconv.space import STRIDE_16, MBConv
from search_spaces.supernet import supernet_in
from strategies.supernet.fna import costs
from tasks import TASKS
from tasks.complexity import madds_by_layer

LAYERS = (1, 2, 1, 1, 2, 1)
DEEPLAB = dict(type="EncoderDecoder", taps=["16"], decoder=dict(type="mmseg.LightASPPHead", norm_cfg=dict(type="BN")))


@pytest.mark.parametrize(
    ("kind", "template", "space"),
    [
        ("Detection", dict(type="SSDLite"), MBConv(LAYERS, width=0.25, wide=(4,))),
        ("Detection", dict(type="RetinaNet"), MBConv(LAYERS, width=0.25)),
        ("Segmentation", DEEPLAB, MBConv(LAYERS, width=0.25, **STRIDE_16)),
    ],
    ids=["SSDLite", "RetinaNet", "DeepLabv3"],
)
def test_choices_cost_what_they_change_of_the_whole_network(
    kind: str, template: dict[str, Any], space: MBConv, tmp_path: Path
) -> None:
    data = dict(type=f"Scenes{kind}")
    whole = dict(type=f"{kind}Task", template=template, data=data, encoder=dict(width=0.25), input_size=[96, 128])
    task = build(TASKS, {**whole, "cache": str(tmp_path)})
    network = task.network(space.supernet())
    supernet = supernet_in(network)
    table = costs(supernet, madds_by_layer(network, task.input_shape))
    archs = [space.sample(Random(seed)) for seed in range(4)]
    told = [sum(table[name][choice] for name, choice in space.canonical(arch.as_dict()).items()) for arch in archs]
    counted = [task.measure(space.model(arch), ["madds"])["madds"] for arch in archs]
    assert [one - told[0] for one in told] == [one - counted[0] for one in counted]
    image = torch.rand(1, *task.input_shape)
    with torch.no_grad(), supernet.held(archs[0].as_dict()):
        held = network.backbone(image)
        alone = task.network(space.model(archs[0])).backbone(image)
    assert [one.shape for one in held] == [one.shape for one in alone]
