"""The samplers of Optuna as strategies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from core import did_you_mean
from core.parsing import in_a_line, shown, typed
from search_spaces import Architecture, FiniteSpace, SearchSpace
from strategies.nsga2 import front
from strategies.strategy import AskTell, Plan, Study
from strategies.trial import Answer, Proposal, Trial

if TYPE_CHECKING:
    import optuna

SAMPLERS = ("TPESampler", "GPSampler", "NSGAIISampler", "NSGAIIISampler", "QMCSampler", "RandomSampler")
MODELS = ("TPESampler", "GPSampler")  # those that sample at random until they have seen n_startup_trials
EARLY = 2  # of these, where settings are tried
DRAWS = 20  # of the sampler, until it proposes a network that nobody has tried


class OptunaSampler(AskTell):
    """A sampler of Optuna (Akiba et al., KDD 2019): the name of its class, and its settings.

    A decision is a categorical parameter, suggested where it matters (`FiniteSpace.active`) by what was suggested before. Where
    the protocol has several objectives, the sampler is told these, and the answers are their front. Choices that make no
    network, and failed trials, are pruned ones. A network that has been tried is told at once, with what came of it, and the
    sampler asked again; after 20 such draws a random network is proposed.

    Optuna's study lives in memory, and the sampler's seed is the study's: a replay asks and tells it again.
    """

    objectives = 0  # of the protocol, as `search` finds them; 0: the reward alone

    def __init__(self, sampler: str = "TPESampler", settings: Mapping[str, Any] | None = None):
        if sampler not in SAMPLERS:
            raise ValueError(did_you_mean("sampler of categorical parameters in Optuna", sampler, SAMPLERS))
        self.sampler, self.settings = sampler, dict(settings or {})
        self._study(0)

    def prepare(self, study: Study) -> Plan:
        if not isinstance(study.space, FiniteSpace):
            raise ValueError(f"OptunaSampler needs named decisions, which {study.space} has not: evolve it")
        if self.settings:
            self.objectives = len(study.objectives)
            self._try(study.space)
        return Plan()

    def search(self, study: Study) -> list[Answer]:
        self.objectives = len(study.objectives)
        return super().search(study)

    def start(self, space: SearchSpace, seed: int) -> None:
        super().start(space, seed)
        self.study = self._study(seed)
        self.asked: dict[int, optuna.Trial] = {}
        self.tried: dict[Architecture, Trial] = {}

    def ask(self, rng: Random) -> Proposal:
        for _ in range(DRAWS):
            trial = self.study.ask()
            arch = self._suggested(trial)
            if arch is not None and arch not in self.tried:
                self.asked[trial.number] = trial
                return Proposal(arch, note={"number": trial.number})
            self._end(trial, None if arch is None else self.tried[arch])
        return Proposal(self.space.sample(rng))

    def tell(self, trial: Trial) -> None:
        self.tried[trial.arch] = trial
        asked = self.asked.pop(trial.note.get("number", -1), None)
        self._end(asked or self._enqueued(trial), trial)

    def answers(self, trials: Sequence[Trial]) -> list[Answer]:
        return front(trials) if self.objectives else super().answers(trials)

    def _try(self, space: SearchSpace) -> None:
        """Raise ValueError for settings that the sampler only looks at when it samples, and no longer at random."""
        early = {"n_startup_trials": EARLY} if self.sampler in MODELS else {}
        typed(self.settings.get("n_startup_trials", EARLY), int, f"n_startup_trials of {self.sampler}")
        self.start(space, 0)
        self.study = self._study(0, **early)
        try:
            for value in range(EARLY + 1):
                trial = self.study.ask()
                self._suggested(trial)
                self.study.tell(trial, [float(value)] * len(self.study.directions))
        except Exception as error:  # whatever its arithmetic raises
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> ValueError:
        return ValueError(f"settings {shown(self.settings)} are none of Optuna's {self.sampler}: {in_a_line(error)}")

    def _study(self, seed: int, **settings: Any) -> optuna.Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                sampler = getattr(optuna.samplers, self.sampler)(seed=seed, **{**self.settings, **settings})
        except (TypeError, ValueError) as error:
            raise self._refused(error) from None
        largest = optuna.study.StudyDirection.MAXIMIZE
        return optuna.create_study(sampler=sampler, directions=[largest] * max(self.objectives, 1))

    def _suggested(self, trial: optuna.Trial) -> Architecture | None:
        """The network that the sampler suggests, decision by decision; None: its choices make none."""
        assert isinstance(self.space, FiniteSpace)
        decisions = self.space.decisions
        choices: dict[str, Any] = {name: options[0] for name, options in decisions.items()}
        given = set[str]()
        while open := [name for name in decisions if name in self.space.active(choices) and name not in given]:
            choices[open[0]] = trial.suggest_categorical(open[0], decisions[open[0]])
            given.add(open[0])
        return None if self.space.flaw(choices) else self.space.architecture(choices)

    def _enqueued(self, trial: Trial) -> optuna.Trial:
        """A trial of Optuna for one that was never asked for."""
        self.study.enqueue_trial(trial.arch.as_dict())
        asked = self.study.ask()
        self._suggested(asked)
        return asked

    def _end(self, asked: optuna.Trial, trial: Trial | None) -> None:
        """Tell Optuna what came of a trial; None: it makes no network."""
        from optuna.trial import TrialState

        values = None if trial is None else trial.objectives if self.objectives else trial.reward
        if values is None:
            self.study.tell(asked, state=TrialState.PRUNED)
        else:
            self.study.tell(asked, values)
