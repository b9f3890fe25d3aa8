"""NEAT and CoDeepNEAT on images: graphs are trained as they say, and a study that is killed goes on as if nothing had been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.study import Study
from core import build
from search_spaces.genomes.genes import read
from strategies import STRATEGIES

CONFIGS: list[dict[str, Any]] = [
    dict(type="NEAT", evolution=dict(population=3)),
    dict(type="CoDeepNEAT", networks=3, blueprints=dict(population=2), modules=dict(population=3)),
]
TRIALS = 8


class KilledError(Exception):
    """Stands for `kill -9`."""


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config["type"])
def test_a_killed_study_of_images_goes_on_as_if_nothing_had_happened(
    segmentation_study, tmp_path: Path, config: dict[str, Any]
) -> None:
    view = dict(size=[32, 32], eval_size=[32, 32])
    protocol: dict[str, Any] = dict(
        space=dict(type="DeepNEAT", width=0.06, recipe=True),
        stages=[dict(name="short", view=view, recipe=dict(epochs=1, batch=3))],
        budget=dict(trials=TRIALS),
    )

    def played(folder: str, killed_after: int | None = None) -> list[tuple[Any, ...]]:
        def watch(study: Study) -> None:
            if len(study.trials) == killed_after:
                raise KilledError

        with segmentation_study(tmp_path / folder, **protocol) as study:
            study.watch = watch
            answer = build(STRATEGIES, config).search(study)[0]
        assert answer.arch in [trial.arch for trial in study.trials]
        return [(t.id, t.arch.choices, t.note, t.status, t.reward, t.cost.images) for t in study.trials]

    whole = played("whole")
    for number in (2, 5):
        with pytest.raises(KilledError):
            played("killed", number)
    assert played("killed") == whole
    assert [row[3] for row in whole] == ["done"] * TRIALS
    recipes = [str(read(dict(choices))["recipe"]) for _, choices, *_ in whole]
    assert len(set(recipes)) > 3
