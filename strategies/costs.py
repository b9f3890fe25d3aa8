"""What each choice of a space costs."""

from __future__ import annotations

from typing import Any

from search_spaces import FiniteSpace
from search_spaces.architecture import Choice


def cost_table(space: FiniteSpace, task: Any, name: str) -> dict[str, dict[Choice, float]]:
    """A cost (`params`, `madds`, `latency_ms` or `predicted_ms`) by decision and choice, as `Supernet.expected_cost` takes it.

    The costs of an answer's choices sum to that of its network, with all that the space does not decide, as far as decisions
    cost apart from each other: each is changed alone, from the answer with all first choices. Raises ValueError where one of
    these makes no network.
    """

    def cost(choices: dict[str, Choice]) -> float:
        return task.measure(space.model(space.architecture(choices)), [name])[name]

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
