"""Depth, width and resolution of one network."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from core import build
from search_spaces import MODELS, SPACES
from search_spaces.mbconv.scaled import ScaledMBConv
from search_spaces.mbconv.space import CHANNELS, EFFICIENTNET, EFFICIENTNET_B0, MBConv
from tasks.complexity import params


@pytest.mark.parametrize(
    ("width", "depth", "count"),  # EfficientNet-B0, B1 and B3, as torchvision has them
    [(1.0, 1.0, 5_288_548), (1.0, 1.1, 7_794_184), (1.2, 1.4, 12_233_232)],
)
def test_efficientnets_are_its_answers(width: float, depth: float, count: int) -> None:
    space = build(SPACES, dict(type="ScaledMBConv"))
    parts = space.model(space.read(dict(depth=depth, width=width, resolution=1.3)))
    assert parts["resolution"] == 1.3
    assert params(MODELS.build({**parts["backbone"], "type": "densebench.MBConvClassifier", "classes": 1000})) == count


def test_the_network_itself_is_its_first_answer() -> None:
    space, plain = ScaledMBConv(width=0.5), MBConv(width=0.5, layers=[2, 2, 3, 3, 4, 1], **EFFICIENTNET)
    first = space.model(space.read(dict(depth=1.0, width=1.0, resolution=1.0)))
    assert first == {**plain.model(plain.read(EFFICIENTNET_B0)), "resolution": 1.0}


def test_settings_of_the_network_come_from_a_config() -> None:
    settings = dict(act="ReLU", excite=False)
    space = build(SPACES, dict(type="ScaledMBConv", genotype=[["k3e6"]] * 6, mbconv=settings))
    found = space.model(space.sample(Random(0)))["backbone"]
    assert {name: found[name] for name in settings} == settings
    assert found["channels"] == list(CHANNELS)


def test_factors_that_round_to_the_same_network_are_one_answer() -> None:
    space = ScaledMBConv(genotype=[["k3e6"] * 2] * 6, width=0.25, step=0.1)
    one, other, deeper, wider = (
        space.read(dict(depth=depth, width=width, resolution=1.0))
        for depth, width in ((1.1, 1.1), (1.5, 1.1), (1.6, 1.1), (1.1, 1.6))
    )
    assert one == other  # three layers
    assert len({one.key, deeper.key, wider.key}) == 3
    assert space.model(one) == space.model(other)


def test_widths_that_only_the_last_convolution_would_tell_apart_are_one_answer() -> None:
    """Narrow networks keep all of its channels."""
    space = ScaledMBConv(genotype=[["k3e6"]] * 6, width=0.25, step=0.1, mbconv=dict(channels=[24] * 6))
    one, other = (space.read(dict(depth=1.0, width=width, resolution=1.0)) for width in (1.0, 1.1))
    built = [
        MODELS.build({**space.parts(dict(arch.choices))["backbone"], "taps": ["32", "32+"]}) for arch in (one, other)
    ]
    assert params(built[0]) == params(built[1])
    assert one == other


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (dict(most=1.0), "most must be above 1 and step from 0 to 1.0 - 1, not 1.0 and 0.05"),
        (dict(step=0.0), "not 2.0 and 0.0"),
        (dict(step=1.5), "not 2.0 and 1.5"),
        (dict(genotype=[["k9e6"]] * 6), "cannot be 'k9e6': give one of"),
        (dict(width=0.0), "width must be positive"),
        (dict(genotype=[]), "layers must be 6 numbers"),
        (dict(mbconv=dict(excites=True)), "unknown setting of MBConv 'excites': did you mean 'excite'"),
        (dict(mbconv=dict(depth=2.0)), "mbconv cannot have a depth of its own"),
    ],
)
def test_spaces_that_cannot_be(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ScaledMBConv(**settings)
