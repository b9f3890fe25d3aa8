"""How to look: a strategy proposes evaluations and learns from their trials."""

from strategies.registry import STRATEGIES
from strategies.strategy import AskTell, Plan, Strategy, Study, best, check_weights
from strategies.trial import Answer, Failure, Proposal, StageResult, Status, Trial, next_stage

__all__ = [
    "STRATEGIES", "Answer", "AskTell", "Failure", "Plan", "Proposal", "StageResult", "Status", "Strategy", "Study", "Trial",
    "best", "check_weights", "next_stage",
]  # fmt: skip
