"""What each choice of a space costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces import FiniteSpace
from search_spaces.architecture import Choice, Choices
from strategies.strategy import Study
from tasks.weights import load_checked, save

Costs = Mapping[str, Mapping[Choice, float]]
"""A cost by decision and choice, as `Supernet.expected_cost` takes it."""


class MeasuredOnce:
    """Costs that `measure` gives when they are first asked for.

    Among what a search over a supernet learns (`SupernetSearch.begin`) they lie in its checkpoint: a search that goes on, at
    another moment or on another machine, reads what was measured before.
    """

    def __init__(self, measure: Callable[[], Costs]):
        self._measure = measure
        self._known: Costs | None = None

    @property
    def costs(self) -> Costs:
        if self._known is None:
            self._known = self._measure()
        return self._known

    def of(self, choices: Choices) -> float:
        """What the network of these choices costs."""
        return sum(costs[choices[name]] for name, costs in self.costs.items())

    def state_dict(self) -> dict[str, Any]:
        return {"costs": self._known}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._known = state["costs"]


class KeptTimes:
    """The milliseconds of layers behind `predicted_ms`, in a file of the study: a search that goes on reads what it measured.

    `keep` them before anything is proposed by them. Raises RuntimeError where the file cannot be read, or is of another study.
    """

    def __init__(self, study: Study):
        from tasks.complexity import MEASURES  # and with it torch
        from tasks.latency import LatencyTable

        table = MEASURES["predicted_ms"]
        assert isinstance(table, LatencyTable)
        self.path, self.identity, self.known = study.folder / "layers.pth", study.identity, table.known
        if self.path.is_file():
            read = self._read()
            self.known.clear()
            self.known.update(read)

    def keep(self) -> None:
        save({"identity": self.identity, "known": self.known}, self.path)

    def _read(self) -> dict[str, float]:
        try:
            state = load_checked(self.path)
            known, identity = {name: float(time) for name, time in state["known"].items()}, state["identity"]
        except Exception as error:  # whatever is wrong with it
            raise RuntimeError(f"{self.path} cannot be read ({error}): remove the run's folder") from None
        if identity != self.identity:
            raise RuntimeError(f"{self.path} is of another protocol or seed: remove the run's folder")
        return known


def affordable(costs: Costs, shares: Mapping[str, Mapping[Choice, float]], most: float) -> dict[str, Choice]:
    """The most probable choices that together cost no more than `most`, as a greedy search finds them.

    While they cost more, the choice is exchanged that loses the least of the logarithm of its share for what it saves. Raises
    ValueError where the cheapest choices cost more, too.
    """
    least = sum(min(of.values()) for of in costs.values())
    if least > most:
        raise ValueError(f"the cheapest network of the space costs {least:.6g}, and the budget is {most:.6g}: raise it")
    choices = {name: max(of, key=of.__getitem__) for name, of in shares.items()}

    def loss(name: str, choice: Choice) -> float:
        lost = math.log(shares[name][choices[name]] / max(shares[name][choice], 1e-30))
        return lost / (costs[name][choices[name]] - costs[name][choice])

    while sum(of[choices[name]] for name, of in costs.items()) > most:
        cheaper = [(name, one) for name, of in costs.items() for one in of if of[one] < of[choices[name]]]
        name, choice = min(cheaper, key=lambda exchange: loss(*exchange))
        choices[name] = choice
    return choices


def cost_table(space: FiniteSpace, task: Any, name: str) -> dict[str, dict[Choice, float]]:
    """A cost (`params`, `madds`, `latency_ms` or `predicted_ms`) by decision and choice, as `Supernet.expected_cost` takes it.

    The costs of an answer's choices sum to that of its network, with all that the space does not decide, as far as decisions
    cost apart from each other: each is changed alone, from the answer with all first choices. Raises ValueError where one of
    these makes no network.
    """

    def cost(choices: dict[str, Choice]) -> float:
        return task.measure(space.model(space.architecture(choices)), [name])[name]

    # Nearly all layers that there are, in a few networks: those that tell latencies time them now, each once.
    for place in range(max(map(len, space.decisions.values()))):
        uniform = {decision: options[min(place, len(options) - 1)] for decision, options in space.decisions.items()}
        if space.flaw(uniform) is None:
            cost(uniform)
    first = {decision: options[0] for decision, options in space.decisions.items()}
    whole = cost(first)
    others = {
        decision: {choice: cost({**first, decision: choice}) for choice in options[1:]}
        for decision, options in space.decisions.items()
    }
    return {
        decision: {
            choice: whole / len(first) + costs.get(choice, whole) - whole for choice in space.decisions[decision]
        }
        for decision, costs in others.items()
    }
