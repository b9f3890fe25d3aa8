"""How to look: a strategy proposes architectures and learns from their trials."""

from strategies.registry import STRATEGIES
from strategies.strategy import AskTell, Strategy, Study, best
from strategies.trial import Proposal, StageResult, Status, Trial

__all__ = ["STRATEGIES", "AskTell", "Proposal", "StageResult", "Status", "Strategy", "Study", "Trial", "best"]
