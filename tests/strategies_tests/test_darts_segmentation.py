"""Gradient search of decoders on cached features: two halves of the images, and a kill that changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS


def facts(study: Any) -> list[Any]:
    return [(t.id, t.arch, t.stages[0].metrics, t.cost.images, t.cost.pixels, t.reward) for t in study.trials]


@pytest.mark.parametrize("strategy", [DARTS(epochs=2, arch_lr=0.1), IRNAS(epochs=2, warmup=1)], ids=["darts", "ir_nas"])
def test_a_killed_search_ends_as_if_it_had_not_been(
    segmentation_study: Any, killed: Any, tmp_path: Path, strategy: DARTS
) -> None:
    """Killed in the second epoch, whose checkpoint is on disk and whose trial is not."""
    with segmentation_study(tmp_path / "before", aux=0.15) as study:
        strategy.prepare(study)  # computes the features
    with segmentation_study(tmp_path / "whole", aux=0.15) as study:
        answers = strategy.search(study)
    expected = facts(study)
    for trial in study.trials:
        assert study.space.architecture(trial.arch.as_dict()) == trial.arch
        assert {"mIoU", "supernet_mIoU", "skip_ratio", "alpha_entropy", "loss"} <= trial.stages[0].metrics.keys()
        assert trial.reward == study.benchmark.reward(trial.stages[0].metrics)
    assert study.trials[1].cost.images == 6 + 6 + 6 + 3 + 3  # both halves; one for the norms; scored twice
    with segmentation_study(tmp_path / "cut", aux=0.15) as study, killed(1, False):
        strategy.search(study)
    with segmentation_study(tmp_path / "cut", aux=0.15) as study:
        assert strategy.search(study) == answers
        assert facts(study) == expected


def test_the_halves_share_no_image(segmentation_study: Any, tmp_path: Path) -> None:
    with segmentation_study(tmp_path / "run") as study:
        task, whole = study.task, study.stages[0]
        halves = DARTS().stages(whole)
        first, second = (set(task.samples(stage).order) for stage in halves)
        assert not first & second
        assert first | second == set(task.samples(whole).order)
        kept = [task.features(stage, training=True)[0] for stage in halves]
    assert kept[0].folder != kept[1].folder
    assert [len(features) for features in kept] == [6, 6]
