"""One training, many networks: the weights of the largest one learn to serve ever smaller ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import ceil
from random import Random
from typing import Any

from core import build
from search_spaces import Architecture, Choice, FiniteSpace
from search_spaces.architecture import Choices
from search_spaces.space import Narrowed
from strategies.nsga2 import front
from strategies.registry import STRATEGIES
from strategies.shortlist import spread
from strategies.strategy import Plan, Study
from strategies.supernet.one_shot import EVOLUTION, SharedWeights
from strategies.trial import Answer, Trial
from tasks import Stage

SEVERAL = dict(type="NSGA2", population=20)


class ProgressiveShrinking(SharedWeights):
    """Once-for-all (Cai et al., ICLR 2020) on any finite space with a supernet: a front of networks from one training.

    First the largest network trains alone. In each of the further `phases`, equally long parts of `epochs`, more choices are
    open, the larger ones first, until each step trains any network of the space. How large a choice is, the network's
    parameters say (`by_size`); decisions where they do not differ, such as where an input comes from, are open from the start.
    Then `candidates` are scored: proposed by NSGA2, where the protocol has objectives, and the answers are `answers` networks
    spread over the front, else by evolution, and they are the best. An answer's final training begins with the weights that it
    has in the supernet: it is the fine-tuning, as long as the protocol says.

    The paper opens kernels, depths and widths of MobileNetV3 one after the other, and learns from the largest network's outputs
    as well, which is left out here.
    """

    hands_on = True

    def __init__(self, epochs: int = 50, candidates: int = 100, answers: int = 5, phases: int = 4):
        super().__init__(epochs, candidates, answers)
        if not 2 <= phases <= epochs:
            raise ValueError(f"phases must be 2 to epochs, not {phases} of {epochs}")
        self.phases = phases

    def prepare(self, study: Study) -> Plan:
        if not isinstance(study.space, FiniteSpace):
            raise ValueError(f"ProgressiveShrinking opens choices, which {study.space} cannot list: use OneShot")
        self.several = bool(study.objectives)
        self.inner = build(STRATEGIES, SEVERAL if self.several else EVOLUTION)
        return super().prepare(study)

    def stages(self, stage: Stage) -> list[Stage]:
        return [stage]

    def begin(self) -> Mapping[str, Any]:
        space, task = self.training.space, self.training.task
        assert isinstance(space, FiniteSpace)
        orders = by_size(space, lambda arch: task.measure(space.model(arch), ["params"])["params"])
        self.opened = [Opened(space, orders, phase / (self.phases - 1)) for phase in range(self.phases)]
        return super().begin()

    def favoured(self, rng: Random) -> Choices:
        phase = min(self.training.epochs * self.phases // self.epochs, self.phases - 1)
        return self.opened[phase].sample(rng).as_dict()

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        found = spread(front(trials), self.count) if self.several else super().answers(trials)
        parents = {trial.id: trial.proposal.parent for trial in trials}
        return [replace(answer, parent=parents.get(answer.trial or 0)) for answer in found]


class Opened(Narrowed):
    """A space with only the first of each decision's choices in `orders`: a `share` of them, and one at least."""

    def __init__(self, whole: FiniteSpace, orders: Mapping[str, Sequence[Sequence[Choice]]], share: float):
        super().__init__(whole)
        kept = {name: order[: max(1, ceil(share * len(order)))] for name, order in orders.items()}
        self.decisions = {name: tuple(choice for equal in order for choice in equal) for name, order in kept.items()}


def by_size(space: FiniteSpace, cost: Callable[[Architecture], float]) -> dict[str, list[list[Choice]]]:
    """The choices of every decision, the largest first, in lists of equal ones; what makes no network comes last.

    The cost of a choice is asked while the decisions before it are at their largest, and those behind it as in a sample.
    """
    largest, orders = space.sample(Random(0)).as_dict(), dict[str, list[list[Choice]]]()
    for name, options in space.decisions.items():
        costs: dict[Choice, float] = {}
        for choice in options:
            choices = {**largest, name: choice}
            costs[choice] = -1.0 if space.flaw(choices) else cost(space.architecture(choices))
        sizes = sorted(set(costs.values()), reverse=True)
        orders[name] = [[choice for choice in options if costs[choice] == size] for size in sizes]
        largest[name] = orders[name][0][0]
    return orders
