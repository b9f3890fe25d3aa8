"""NetAdapt: a trained network is narrowed step by step, where it loses least for what it saves."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Any, Literal

from search_spaces import Architecture, FiniteSpace
from strategies.costs import KeptTimes
from strategies.shortlist import spread
from strategies.strategy import Plan, Strategy, Study, best, check_weights
from strategies.trial import Answer, Proposal, Trial

UNITS = {"params": "params", "madds": "madds", "predicted_ms": "ms"}


class NetAdapt(Strategy):
    """NetAdapt (Yang et al., ECCV 2018, algorithm 1) on a space that decides widths, such as `MBConvWidths`.

    All widths begin at their largest, other decisions at their first choice. A round proposes for each width the largest
    smaller one that saves at least `delta`, a share of what the start costs, or, where none does, its smallest; each proposal
    begins with its parent's weights and goes through the protocol's stages, the short fine-tuning. The next parent is the one
    that gains most, or loses least, reward for what it saves, as in MobileNetV3 (Howard et al., ICCV 2019); the first paper
    takes the one with the best reward. The search ends where the cost is at most `target`, a share of the start's or, above 1,
    the cost itself.

    `cost` is "params", "madds" or "predicted_ms", the sum of what layers take (the first paper's tables), each timed once and
    kept in the study's folder: a search that is resumed must come to the same, which whole networks, timed anew, would not
    let it. The answers are `answers` networks spread over those that the rounds chose, the last first; their final training
    begins with their weights of the search.
    """

    hands_on = goes_back = True

    def __init__(
        self,
        target: float = 0.5,
        delta: float = 0.01,
        cost: Literal["params", "madds", "predicted_ms"] = "madds",
        answers: int = 5,
    ):
        if cost not in UNITS:
            raise ValueError(
                f"cost must be {', '.join(map(repr, UNITS))}, which a resumed search repeats, not {cost!r}"
            )
        if not target > 0 or not 0 < delta < 1 or answers < 1:
            given = f"{target}, {delta} and {answers}"
            raise ValueError(f"target must be positive, delta between 0 and 1 and answers at least 1, not {given}")
        self.target, self.delta, self.name, self.count = target, delta, cost, answers

    def prepare(self, study: Study) -> Plan:
        check_weights(self, study.task)
        widths = Widths(study, self.name)
        start, least = (widths.cost(widths.at(end)) for end in (max, min))
        if self._most(start) < least:
            raise ValueError(
                f"NetAdapt cannot come down to {widths.shown(self._most(start))}: the narrowest network has "
                f"{widths.shown(least)}, so give it a larger target"
            )
        ends = f"from {widths.shown(start)} to {widths.shown(self._most(start))}"
        return Plan(note=f"{ends}, in rounds of at most {len(widths.options)} trials")

    def search(self, study: Study) -> list[Answer]:
        times = KeptTimes(study) if self.name == "predicted_ms" else None
        widths = Widths(study, self.name)
        start = widths.at(max)
        most, step = self._most(widths.cost(start)), self.delta * widths.cost(start)
        path: list[Trial] = []
        proposals = [Proposal(start)]
        while proposals and (trial := self._round(study, widths, proposals, path)) is not None:
            path.append(trial)
            if widths.cost(trial.arch) <= most:
                break
            proposals = [
                Proposal(arch, trial.id, note={"round": len(path), "width": name})
                for name, arch in widths.narrower(trial.arch, step).items()
            ]
            if times:
                times.keep()
            if not proposals:
                reached = f"{widths.shown(widths.cost(trial.arch))}, above its target of {widths.shown(most)}"
                warnings.warn(f"NetAdapt ends at {reached}: no narrower width saves any more", stacklevel=2)
        answers = spread(path[::-1], self.count) or [best(study.trials)]
        return [Answer(trial.arch, trial.id, parent=trial.id) for trial in answers]

    def _most(self, start: float) -> float:
        """What the last network may cost."""
        return self.target * start if self.target <= 1 else self.target

    def _round(
        self, study: Study, widths: Widths, proposals: Sequence[Proposal], path: Sequence[Trial]
    ) -> Trial | None:
        """The one of these proposals to go on with; None where all fail, or the budget is spent before all are told."""
        waiting, told = deque(proposals), list[Trial]()
        while True:
            while waiting and study.wants():
                study.submit(waiting.popleft())
            trial = study.collect()
            if trial is None:
                break
            told.append(trial)
            study.keep({one.id for one in (*path, *told)})
        scored = [trial for trial in told if trial.reward is not None]
        if waiting or not scored:
            return None

        def worth(trial: Trial) -> tuple[float, ...]:
            if not path:
                return ()
            saved = widths.cost(path[-1].arch) - widths.cost(trial.arch)
            return trial.depth, (trial.score - path[-1].score) / saved, -trial.id

        return max(scored, key=worth)


class Widths:
    """The widths that a study's space decides, from the smallest, and what its networks cost, each counted once."""

    def __init__(self, study: Study, name: str):
        self.study, self.name, self.costs = study, name, dict[Architecture, float]()
        self.space = space = study.space
        finite = space if isinstance(space, FiniteSpace) else None
        self.options = (
            {name: sorted(finite.decisions[name], key=float) for name in finite.width_decisions} if finite else {}
        )
        if not self.options:
            raise ValueError(f"NetAdapt narrows widths, and {self.space} decides none: take a space like MBConvWidths")

    def at(self, end: Any) -> Architecture:
        """The network whose widths are all at one `end`, max or min."""
        assert isinstance(self.space, FiniteSpace)
        rest = {name: choices[0] for name, choices in self.space.decisions.items()}
        return self.space.architecture(rest | {name: end(widths) for name, widths in self.options.items()})

    def cost(self, arch: Architecture) -> float:
        if arch not in self.costs:
            self.costs[arch] = self.study.task.measure(self.space.model(arch), [self.name])[self.name]
        return self.costs[arch]

    def shown(self, cost: float) -> str:
        digits = 1 if self.name == "predicted_ms" else 0
        return f"{cost:,.{digits}f} {UNITS[self.name]}"

    def narrower(self, arch: Architecture, step: float) -> dict[str, Architecture]:
        """By width, the network with the largest smaller one that saves at least `step`; where none does, with its smallest.

        Those that save nothing are left out.
        """
        choices, cost = arch.as_dict(), self.cost(arch)
        enough, least = dict[str, Architecture](), dict[str, Architecture]()
        for name, widths in self.options.items():
            made = [{**choices, name: width} for width in widths[: widths.index(choices[name])]]
            archs = [self.space.architecture(one) for one in made if self.space.flaw(one) is None]
            if place := bisect_right(archs, cost - step, key=self.cost):
                enough[name] = archs[place - 1]
            elif archs and self.cost(archs[0]) < cost:
                least[name] = archs[0]
        return enough or least
