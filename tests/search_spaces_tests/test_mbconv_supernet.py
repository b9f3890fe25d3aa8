"""The supernet of inverted residuals: held to one answer it is that backbone, and costs what that costs."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor, nn

from core import Remapped
from search_spaces.mbconv.network import MBConvNet
from search_spaces.mbconv.space import EFFICIENTNET, MOBILENET_V2, RANA_KIM, V3_SMALL, MBConv
from search_spaces.mbconv.supernet import MBConvSupernet
from search_spaces.supernet import skip_ratio, supernet_in
from tasks.complexity import madds_by_layer

SPACES = {
    "fna": MBConv((2, 3, 2, 1, 2, 1), width=0.25, wide=(4,)),
    "without skips": MBConv((2, 1, 2, 1, 2, 1), width=0.25, wide=(4,), skip=False),
    "mobilenet v3": MBConv(**{**V3_SMALL, "layers": (1, 2, 1, 1), "operations": ("k3e2.5", "k5e4.5s", "k3e6s")}),
    "squeeze-excite": MBConv((1, 2, 1, 1, 1, 1), **{**EFFICIENTNET, "channels": [8] * 6}),
}
SPACE = SPACES["fna"]
TAPS = {"segmentation": ("4", "8", "16", "32"), "ssdlite": ("16+", "32+")}
SIZE = (64, 96)


def supernet(space: MBConv = SPACE, taps: tuple[str, ...] = TAPS["segmentation"]) -> MBConvSupernet:
    torch.manual_seed(0)
    return MODELS.build({**space.supernet()["backbone"], "taps": list(taps)})


def derived(net: MBConvSupernet, choices: Any) -> nn.Module:
    """The backbone that the space builds of these choices, with the supernet's weights."""
    backbone = net.space.model(net.space.architecture(choices))["backbone"]
    network = MODELS.build({**backbone, "taps": list(net.taps)})
    missing, unknown = network.load_state_dict(net.derive(choices), strict=False)
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    assert not unknown
    assert {name.rsplit(".", 1)[0] for name in missing} == norms  # which have affine pairs there
    return network


def image(seed: int, size: tuple[int, int] = SIZE) -> Tensor:
    return torch.randn(3, 3, *size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("name", "taps"),
    [("fna", "segmentation"), ("fna", "ssdlite"), ("without skips", "ssdlite"), ("squeeze-excite", "segmentation")],
)
@torch.no_grad()
def test_with_all_weight_on_one_answer_it_is_that_backbone(name: str, taps: str) -> None:
    space = SPACES[name]
    net = supernet(space, TAPS[taps])
    for seed in range(3):
        net(image(seed))  # statistics unlike a new BN's
    for seed in range(6):
        choices = space.sample(Random(seed)).as_dict()
        network = derived(net, choices)
        for mode, size in ((False, SIZE), (False, (70, 45)), (True, SIZE)):
            with net.held(choices):
                ours = net.train(mode)(image(9, size))
            theirs = network.train(mode)(image(9, size))
            assert all(torch.allclose(a, b, rtol=1e-5, atol=1e-5) for a, b in zip(ours, theirs, strict=True))


@torch.no_grad()
def test_a_skipped_layer_is_the_last_wherever_it_was_chosen() -> None:
    net, choices, made = supernet().eval(), SPACE.sample(Random(0)).as_dict(), []
    for operations in (("k5e3", "skip"), ("skip", "k5e3")):
        spelt = choices | {f"stage1.layer{layer}": op for layer, op in enumerate(operations, start=1)}
        with net.held(spelt):
            made.append([net(image(0)), derived(net, spelt).eval()(image(0))])
    first, *others = (maps for pair in made for maps in pair)
    assert all(torch.allclose(a, b, atol=1e-6) for maps in others for a, b in zip(first, maps, strict=True))


@torch.no_grad()
def test_a_layer_is_the_sum_of_its_operations_by_their_shares() -> None:
    net = supernet().eval()
    layer: Any = net.get_submodule("layer3.1")
    place = list(SPACE.decisions).index("stage1.layer1")
    net.alphas[place].copy_(torch.tensor([0.0, 1.0, -1.0, 2.0, 0.5, 0.1, 3.0]))
    x = torch.randn(2, 8, 8, 8)
    layer.shares = net.shares()["stage1.layer1"]
    shares = net.alphas[place].softmax(0)
    operations = SPACE.decisions["stage1.layer1"]
    expected: Any = sum(
        share * (x if op == "skip" else layer[op](x)) for op, share in zip(operations, shares, strict=True)
    )
    assert torch.allclose(layer(x), expected, atol=1e-6)


def runs(net: MBConvSupernet) -> list[str]:
    """The operations that a pass runs, in order."""
    ran: list[str] = []
    places = supernet_in(net).operations()
    names = {place: f"{name}={op}" for name, of in places.items() for op, place in of.items()}
    handles = [
        net.get_submodule(f"{place}.conv").register_forward_hook(lambda *_, name=name: ran.append(name))
        for place, name in names.items()
        if not place.endswith("skip")
    ]
    with torch.no_grad():
        net(image(0))
    for handle in handles:
        handle.remove()
    return ran


def test_operations_without_weight_are_not_run() -> None:
    net, choices = supernet().eval(), SPACE.canonical(SPACE.sample(Random(2)).as_dict())
    every = [f"{name}={op}" for name, of in SPACE.decisions.items() for op in of if op != "skip"]
    assert runs(net) == every
    with net.held(choices):
        assert runs(net) == [f"{name}={op}" for name, op in choices.items() if op != "skip"]
    with torch.no_grad():
        net.alphas[0][2] = -torch.inf
    assert runs(net) == [one for one in every if one != "stage0.layer0=k5e3"]


@pytest.mark.parametrize("taps", TAPS)
def test_all_parameters_learn_and_no_norm_is_affine(taps: str) -> None:
    net = supernet(taps=TAPS[taps])
    sum(x.square().mean() for x in net(image(0))).backward()  # type: ignore[union-attr]
    assert len(net.architecture_parameters()) == len(SPACE.decisions)
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())
    assert all((alpha.grad != 0).any() for alpha in net.architecture_parameters())
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all(norm.weight is None and norm.bias is None for norm in norms)


def test_a_collapse_to_skips_is_seen() -> None:
    net = supernet()
    with torch.no_grad():
        for name, alpha in zip(SPACE.decisions, net.alphas, strict=True):
            if name in ("stage0.layer1", "stage1.layer2"):
                alpha[-1] = 1
    assert skip_ratio(net.probabilities()) == 2 / 5


@pytest.mark.parametrize("seed", range(8))
def test_the_modules_of_an_answers_choices_cost_what_its_searched_layers_cost(seed: int) -> None:
    shape, choices = (3, *SIZE), SPACE.canonical(SPACE.sample(Random(seed)).as_dict())
    net = supernet()
    layers, places = madds_by_layer(net, shape), net.operations()
    found = sum(
        cost
        for name, op in choices.items()
        for layer, cost in layers.items()
        if layer.startswith(f"{places[name][op]}.")
    )
    alone = madds_by_layer(derived(net, choices), shape)
    assert found == sum(cost for layer, cost in alone.items() if not layer.startswith(("conv1.", "layer1.")))


@pytest.mark.parametrize("operation", ["k3e3", "k7e3", "k5e6"])
def test_it_begins_with_remapped_weights_of_a_mobilenet_v2(operation: str) -> None:
    """The layers of an operation with those that a network of it alone would begin with."""
    space = MBConv((4, 3, 1, 1, 1, 1), width=0.25)
    net, seed = supernet(space), MBConvNet(MOBILENET_V2, 0.25)
    weights, fresh = seed.state_dict(), net.state_dict()
    taken = space.inherit(weights, fresh, None, None)
    net.load_state_dict({**fresh, **taken})
    arch = space.read([[operation] * depth for depth in space.layers])
    network = MODELS.build(space.model(arch)["backbone"])
    expected = space.inherit(weights, network.state_dict(), None, arch)
    found = net.derive(arch.as_dict())
    assert {name for name in expected if name not in found} == {name for name in expected if is_affine(name)}
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    assert isinstance(taken, Remapped)
    assert taken.sources[f"layer2.3.{operation}.conv.1.conv.weight"] == "layer2.1.conv.1.conv.weight"


def is_affine(name: str) -> bool:
    return name.endswith((".bn.weight", ".bn.bias"))


@torch.no_grad()
def test_remapped_paths_of_larger_kernels_compute_the_same() -> None:
    space = MBConv(tuple(map(len, MOBILENET_V2)), width=0.25)  # type: ignore[arg-type]
    net = supernet(space).eval()
    weights = MBConvNet(MOBILENET_V2, 0.25).state_dict()
    net.load_state_dict({**net.state_dict(), **space.inherit(weights, net.state_dict(), None, None)})
    made = []
    for kernel in (3, 5, 7):
        with net.held(space.read([[f"k{kernel}e6"] * depth for depth in space.layers]).as_dict()):
            made.append(net(image(0)))
    assert all(torch.allclose(a, b, atol=1e-6) for maps in made for a, b in zip(made[0], maps, strict=True))


def test_a_tap_of_several_widths_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"the tap '8\+' is what the first layer of stage 2 expands .* `wide` to \[2\]"
    ):
        supernet(taps=("8+", "16+"))
    supernet(taps=("16+", "32+"))


def test_repeated_layers_have_no_supernet() -> None:
    with pytest.raises(TypeError, match="the space MBConv has no supernet where layers are repeated: set depth to 1"):
        MBConv(depth=1.1).supernet()


def test_without_skips_every_layer_is_there() -> None:
    space = MBConv(wide=(4,), skip=False)
    assert space.size == 6**20 * 3  # Rana and Kim's
    assert space.write(space.read(RANA_KIM).as_dict()) == RANA_KIM
    with pytest.raises(ValueError, match=r"'stage0\.layer3' cannot be 'skip'"):
        space.read([RANA_KIM[0][:3], *RANA_KIM[1:]])


def test_the_whole_space_holds_its_published_answer() -> None:
    """At full width, under SSDLite's taps: the weights of figure 4's network are there under their names."""
    space = MBConv(wide=(4,), skip=False)
    net = supernet(space, TAPS["ssdlite"])
    shapes = {name: value.shape for name, value in MBConvNet(RANA_KIM, taps=TAPS["ssdlite"]).state_dict().items()}
    weights = net.derive(space.read(RANA_KIM).as_dict())
    assert {name: value.shape for name, value in weights.items()} == {name: shapes[name] for name in weights}
