"""What a search chose as it went on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from benchmarks.records.record import Record
from benchmarks.report.spaces import canonical, space_of
from strategies import Trial

MOST = 3000  # trials that are looked at
PARTS = ("first third", "second third", "last third")
EVERY = "every operation"  # the decisions that are shown and whose choices are words, together


class Shares(NamedTuple):
    """`rows`: decision, choice, part of the search and share; counted in `used` of `made` trials."""

    rows: list[dict[str, Any]]
    used: int
    made: int


def shares(group: Sequence[Record]) -> Shares:
    """How often each choice was made in each third of a strategy's searches, over all its seeds.

    Choices are those of canonical forms, which tell what a network really has. A decision counts where it was searched,
    not where a progressive search held it. Of many trials a seeded sample is looked at. Decisions with one choice are left out.
    """
    made = [(record, place) for record in group for place in range(len(record.trials))]
    used = made if len(made) <= MOST else [made[one] for one in sorted(Random(0).sample(range(len(made)), MOST))]
    space, counts, known = space_of(group[0]), Counter[tuple[str, str, str]](), dict[Any, dict[str, Any]]()
    for record, place in used:
        trial = record.trials[place]
        if trial.arch.choices not in known:
            known[trial.arch.choices] = canonical(space, trial.arch.as_dict())
        part = PARTS[3 * place // len(record.trials)]
        chosen = known[trial.arch.choices].items()
        counts.update((part, decision, str(choice)) for decision, choice in chosen if searched(trial, decision))
    options: dict[str, set[str]] = {}
    for _, decision, choice in counts:
        options.setdefault(decision, set()).add(choice)
    kept = Counter({key: count for key, count in counts.items() if len(options[key[1]]) > 1})
    for (part, decision, choice), count in list(kept.items()):
        if not all(map(_is_number, options[decision])):
            kept[part, EVERY, choice] += count
    totals = Counter[tuple[str, str]]()
    for (part, decision, _), count in kept.items():
        totals[part, decision] += count
    rows = [
        dict(part=part, decision=decision, choice=choice, share=count / totals[part, decision], trials=count)
        for (part, decision, choice), count in kept.items()
    ]
    return Shares(rows, len(used), len(made))


def searched(trial: Trial, decision: str) -> bool:
    """Was a decision asked, and not held by a progressive search, which notes the part that it asks?"""
    part = trial.note.get("part")
    return not isinstance(part, str) or decision.startswith(part)  # another strategy's notes are its own


def _is_number(choice: str) -> bool:
    return choice.replace(".", "", 1).isdigit()
