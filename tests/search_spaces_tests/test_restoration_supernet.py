"""The supernet of HiNAS: it holds every network, decides as published, and keeps less than Auto-DeepLab's way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
import torch
from mmengine.registry import MODELS
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from search_spaces.restoration_cells.network import early_layer
from search_spaces.restoration_cells.supernet import MixedCell, RestorationSupernet
from search_spaces.restoration_cells.widths import arrivals, best_path, last_narrow
from search_spaces.supernet import Supernet, mean_entropy, skip_ratio


def supernet(**settings: Any) -> RestorationSupernet:
    torch.manual_seed(0)
    return RestorationSupernet({"nodes": 2, "channels": 2, **settings})


def derived(net: RestorationSupernet, choices: Any) -> Any:
    """The network that the space builds of these choices, with the supernet's weights."""
    network = MODELS.build(net.space.model(net.space.architecture(choices))["network"])
    missing, unknown = network.load_state_dict(net.derive(choices), strict=False)
    norms = {name for name, module in network.named_modules() if isinstance(module, torch.nn.BatchNorm2d)}
    assert not unknown
    assert {name.rsplit(".", 1)[0] for name in missing} == norms - {"frame.reduce.1"}  # which have affine pairs there
    return network


def unchanged(net: RestorationSupernet, x: Tensor) -> Tensor:
    """What a network gives that finds nothing to take away."""
    image = x[:, :-1] if net.frame.holes else x
    size = [net.frame.scale * side for side in x.shape[-2:]]
    return torch.nn.functional.interpolate(image, size, mode="bicubic", antialias=True)


def random_moves(layers: int, count: int) -> Iterator[Tensor]:
    net, generator = supernet(layers=layers, nodes=1), torch.Generator().manual_seed(0)
    for _ in range(count):
        torch.nn.init.normal_(net.betas, 0, 2, generator=generator)
        yield net.scores()[1].detach().double()


def paths(layers: int) -> list[tuple[int, ...]]:
    every = itertools.product(range(3), repeat=layers)
    return [path for path in every if all(abs(a - b) < 2 for a, b in itertools.pairwise((0, *path)))]


def chance(moves: Tensor, path: tuple[int, ...]) -> float:
    return math.prod(float(moves[layer, a, b]) for layer, (a, b) in enumerate(itertools.pairwise((0, *path))))


@pytest.mark.parametrize("layers", [3, 4, 5])
def test_what_is_said_of_paths_equals_brute_force(layers: int) -> None:
    for moves in random_moves(layers, 10):
        chances = {path: chance(moves, path) for path in paths(layers)}
        assert math.isclose(sum(chances.values()), 1, rel_tol=1e-6)
        assert best_path(moves) == list(max(chances, key=lambda path: chances[path]))
        places = [[sum(p for path, p in chances.items() if path[at] == w) for w in range(3)] for at in range(layers)]
        assert torch.allclose(arrivals(moves), torch.tensor(places).double())
        visits = [sum(p for path, p in chances.items() if early_layer(path) == at) for at in range(layers - 1)]
        assert torch.allclose(last_narrow(moves), torch.tensor(visits).double())


def test_equal_paths_go_to_the_narrower() -> None:
    even = torch.tensor([[[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]]).repeat(3, 1, 1)
    assert best_path(even) == [0, 0, 0]


@pytest.mark.parametrize("per_path", [False, True])
@pytest.mark.parametrize(
    "settings",
    [
        dict(),
        dict(variant="slides", shared=True),
        dict(layers=4, aspp=True, in_channels=3, fold=2),
        dict(layers=1, nodes=3),
        dict(layers=2, scale=3),
        dict(layers=2, holes=True, fold=2),
    ],
)
def test_with_all_weight_on_one_answer_it_is_that_network(settings: dict[str, Any], per_path: bool) -> None:
    net = supernet(per_path=per_path, **settings)
    x = torch.rand(2, settings.get("in_channels", 1) + net.frame.holes, 8, 9)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # running statistics as far from a new BN's as can be
    with torch.no_grad():
        net(torch.rand_like(x))
        for seed in range(4):
            choices = net.space.sample(Random(seed)).as_dict()
            network = derived(net, choices)
            for mode in (False, True):
                restored = network.train(mode)(x)
                assert not torch.allclose(restored, unchanged(net, x), atol=1e-3)
                with net.held(choices):
                    assert torch.allclose(net.train(mode)(x), restored, atol=1e-5)
                assert not torch.allclose(net(x), restored, atol=1e-3)


def test_nodes_of_nothing_and_two_of_the_same_hold_too() -> None:
    net = supernet().eval()
    choices = net.discretise() | {f"cell1.node{node}.{side}.op": "none" for node in (0, 1) for side in "ab"}
    choices |= {"cell0.node0.a.input": 1, "cell0.node0.b.input": 1}  # twice "conv3", here with the same weights
    x = torch.rand(1, 1, 8, 8)
    with net.held(choices):
        assert torch.allclose(net(x), derived(net, choices).eval()(x), atol=1e-5)


def test_all_parameters_learn_and_each_belongs_to_one_group() -> None:
    net = supernet(variant="slides")
    assert isinstance(net, Supernet)
    net(torch.rand(2, 1, 8, 8)).square().sum().backward()
    architecture = net.architecture_parameters()
    weights = [weight for weight in net.parameters() if all(weight is not alpha for alpha in architecture)]
    assert [id(p) for p in architecture] == [id(net.alphas), id(net.betas)]
    assert len(architecture) + len(weights) == len(list(net.parameters()))
    assert not {id(p) for p in architecture} & {id(p) for p in weights}
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert (net.alphas.grad != 0).all()  # type: ignore[union-attr]
    possible = [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 1, 2), (2, 0, 1), (2, 2, 1), (2, 2, 2)]
    assert all(net.betas.grad[place] != 0 for place in possible)  # type: ignore[index]
    impossible = [(0, 1, 0), (1, 2, 2), (0, 0, 2), (2, 2, 0)]
    assert all(net.betas.grad[place] == 0 for place in impossible)  # type: ignore[index]
    norms = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(module.affine for module in norms)


def test_decisions_leave_none_aside_and_ties_go_to_the_first() -> None:
    net = supernet(nodes=3)
    ops = net.space.operations
    tied = net.discretise()
    assert [tied[f"cell0.node2.{side}.input"] for side in "ab"] == [0, 1]
    assert {value for name, value in tied.items() if name.endswith(".op")} == {"conv3"}
    with torch.no_grad():
        net.alphas[0, :, ops.index("none")] = 5  # ahead everywhere, never chosen
        net.alphas[0, 6, ops.index("dil5")] = 7  # node 2, input 1
        net.alphas[0, 8, ops.index("skip")] = 8  # node 2, input 3
        net.alphas[0, 7, [ops.index("none"), ops.index("sep3")]] = torch.tensor(
            [20.0, 9.0]
        )  # more, and a smaller share
        net.betas[:, 0, 1] = 3
    choices = net.discretise()
    sides = [(choices[f"cell0.node2.{side}.input"], choices[f"cell0.node2.{side}.op"]) for side in "ab"]
    assert sides == [(1, "dil5"), (3, "skip")]
    assert choices["layer0.width"] == 1
    derived(net, choices)


def test_discretised_answers_are_legal() -> None:
    for seed in range(4):
        net = supernet(shared=bool(seed % 2), nodes=3)
        for parameter in net.architecture_parameters():
            torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(seed))
        choices = net.discretise()
        assert choices == net.discretise()
        arch = net.space.architecture(choices)
        assert all(arch[f"cell0.node2.{side}.op"] != "none" for side in "ab")
        assert best_path(net.scores()[1]) == [arch[f"layer{layer}.width"] for layer in range(3)]


def test_probabilities_name_every_distribution() -> None:
    net = supernet()
    shares = net.probabilities()
    assert len(shares) == 3 * 5 + 3
    assert all(math.isclose(sum(options.values()), 1, rel_tol=1e-6) for options in shares.values())
    assert shares["layer0.width"] == pytest.approx({0: 1 / 2, 1: 1 / 2})
    assert shares["layer1.width"] == pytest.approx({0: 5 / 12, 1: 5 / 12, 2: 1 / 6})
    assert math.isclose(mean_entropy({k: v for k, v in shares.items() if "from" in k}), 1, rel_tol=1e-6)
    assert skip_ratio(shares) == 0
    with torch.no_grad():
        net.alphas[:, :, net.space.operations.index("skip")] = 50
    shares = net.probabilities()
    assert skip_ratio(shares) == 1
    widths = mean_entropy({k: v for k, v in shares.items() if "width" in k})
    assert mean_entropy(shares) == pytest.approx(widths * 3 / 18, abs=1e-6)  # of the paths alone
    assert skip_ratio({"layer": {1: 0.5, 2: 0.5}}) == 0


def evaluations(net: RestorationSupernet) -> int:
    """How many cells one pass runs."""
    count = 0

    def add(*_: object) -> None:
        nonlocal count
        count += 1

    for module in net.modules():
        if isinstance(module, MixedCell):
            module.register_forward_hook(add)
    net(torch.rand(1, 1, 4, 4))
    return count


def test_inputs_are_summed_before_one_cell_or_outputs_after_many() -> None:
    assert evaluations(supernet()) == 2 + 3 + 3
    assert evaluations(supernet(per_path=True)) == 2 + 5 + 7


@torch.no_grad()
def test_both_ways_agree_on_one_path_and_not_on_several() -> None:
    """Also where all operations are mixed: the sum over paths of what a cell makes of each is that of the one there is."""
    summed, each = (supernet(per_path=value) for value in (False, True))
    x = torch.rand(1, 1, 8, 8)
    assert not torch.allclose(summed(x), each(x), atol=1e-4)
    for net in (summed, each):
        for layer, moves in enumerate((((0, 1),), ((0, 0), (1, 2)), ((0, 0), (1, 0), (2, 1)))):  # to 1, 2 and 1
            for start, end in moves:
                net.betas[layer, start, end] = 100
    assert torch.allclose(summed(x), each(x), atol=1e-5)


def saved_bytes(run: Callable[[], Tensor], owned: set[int]) -> int:
    """What a pass keeps for its backward pass, each storage once; `owned` are storages of parameters."""
    kept: dict[int, int] = {}

    def pack(x: Tensor) -> Tensor:
        storage = x.untyped_storage()
        if storage.data_ptr() not in owned:
            kept[storage.data_ptr()] = storage.nbytes()
        return x

    with saved_tensors_hooks(pack, lambda x: x):
        output = run()
    assert output.requires_grad  # the graph lives until here, so that no address was used twice
    return sum(kept.values())


def kept(per_path: bool, layers: int) -> int:
    net = supernet(per_path=per_path, layers=layers, variant="slides", nodes=3)
    owned = {p.untyped_storage().data_ptr() for p in net.parameters()}
    return saved_bytes(lambda: net(torch.rand(1, 1, 24, 24)), owned)


def test_summing_first_keeps_less() -> None:
    """A further layer of widths W, 2W, 4W is 7 W of cells, not 16 W; the first three, two with fewer ways in, 17 and not 29."""
    ours, theirs = ([kept(per_path, layers) for layers in (3, 4)] for per_path in (False, True))
    assert (ours[1] - ours[0]) / (theirs[1] - theirs[0]) <= 0.45
    assert ours[0] / theirs[0] <= 0.65
