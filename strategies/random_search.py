"""Random search: the row that every other strategy has to beat."""

from random import Random

from strategies.strategy import AskTell
from strategies.trial import Proposal, Trial


class RandomSearch(AskTell):
    """Proposes uniform samples and learns nothing."""

    def ask(self, rng: Random) -> Proposal:
        return Proposal(self.space.sample(rng))

    def tell(self, trial: Trial) -> None:
        pass
