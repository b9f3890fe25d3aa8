"""A controller's view of a finite space: networks drawn by it, and back."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from search_spaces import Architecture, FiniteSpace, SearchSpace
from strategies.strategy import is_single

if TYPE_CHECKING:
    from strategies.controller import Controller

DRAWS = 50  # of the controller, for one network


def check_policy(space: SearchSpace, who: str) -> None:
    """Raise ValueError where `who` has nothing to learn a policy over."""
    if not isinstance(space, FiniteSpace):
        raise ValueError(f"{who} needs named decisions, which {type(space).__name__} has not: evolve it")
    if is_single(space):
        raise ValueError("the space has a single answer: there is nothing to learn")


class Policy:
    """A distribution over the networks of `space`: a new controller of the class `Controller` named by `settings`.

    Decisions with the same operations to choose from share its head; every decision with numbers, such as a connection's slot,
    has its own.
    """

    def __init__(self, space: SearchSpace, controller: type[Controller], **settings: Any):
        assert isinstance(space, FiniteSpace)
        self.space = space
        self.open = {name: options for name, options in space.decisions.items() if len(options) > 1}
        groups = [name if any(isinstance(one, int | float) for one in of) else of for name, of in self.open.items()]
        self.controller = controller.of([len(options) for options in self.open.values()], groups, **settings)

    def draw(self, rng: Random) -> tuple[Architecture, float]:
        """A network and its log-probability; choices that make none are drawn again.

        Nothing punishes such choices, and a policy may come to believe in them: where it draws no network in `DRAWS` draws, a
        random one of the space takes their place, from which the policy learns back, with the probability that it gives it.
        """
        draws = self.controller.draws(rng)
        for _ in range(DRAWS):
            places, log_prob = next(draws)
            choices = {name: options[0] for name, options in self.space.decisions.items()}
            choices |= {name: options[place] for (name, options), place in zip(self.open.items(), places, strict=True)}
            if self.space.flaw(choices) is None:
                return self.space.architecture(choices), log_prob
        arch = self.space.sample(rng)
        return arch, self.controller.log_prob(self.places(arch))

    def places(self, arch: Architecture) -> list[int]:
        """The place of its choice at every open decision."""
        return [options.index(arch[name]) for name, options in self.open.items()]
