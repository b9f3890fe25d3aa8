"""What an interrupted study had recorded, played back in its order."""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from benchmarks.ledger import Ledger, Line
from strategies import Proposal, Trial


class Replay:
    """The record of a ledger: proposals, what trials had behind them, and finished trials, each to be taken once."""

    def __init__(self, ledger: Ledger):
        self.trials: deque[Trial] = deque(ledger.trials)
        events = ledger.events
        self.proposals: deque[Line] = deque(event for event in events if event["event"] == "proposed")
        self.passed: deque[Line] = deque(event for event in events if event["event"] != "proposed")
        self.asked = {event["id"] for event in self.proposals}

    def __bool__(self) -> bool:
        """Is there anything left but what trials in flight have behind them?"""
        return bool(self.trials or self.proposals)

    def wants(self, told: int) -> bool:
        """Was a trial proposed when `told` had finished?"""
        return bool(self.proposals) and self.proposals[0]["told"] == told

    def propose(self, number: int, proposal: Proposal) -> None:
        """Take the next proposal. Raises RuntimeError where it is not the one that is recorded."""
        line = self.proposals.popleft() if self.proposals else None
        ours = (number, proposal.arch.as_dict(), proposal.parent, proposal.onward, proposal.stages)
        if line is None or ours != tuple(line[name] for name in ("id", "arch", "parent", "onward", "stages")):
            raise RuntimeError(
                f"trial {number} is not what the strategy proposes now: the code has changed since the record began, "
                "so go back to that code, or choose another --work-dir"
            )

    def behind(self, told: int, flying: Container[int]) -> list[Line]:
        """Take the events of trials in flight up to the time when `told` trials had finished."""
        taken = []
        while self.passed and self.passed[0]["told"] <= told and self.passed[0]["id"] in flying:
            taken.append(self.passed.popleft())
        return taken

    def finished(self, flying: Container[int]) -> Trial | None:
        """Take the next trial, which is one of those in flight; None where it is another or there is none."""
        return self.trials.popleft() if self.trials and self.trials[0].id in flying else None

    def recorded(self) -> Trial | None:
        """Take the next trial that a strategy made itself; None where it is another or there is none."""
        return self.trials.popleft() if self.trials and self.trials[0].id not in self.asked else None
