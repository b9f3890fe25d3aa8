"""Which transfers hold, as docs/transfer.md says: three networks that were searched on Pascal VOC, by the kept results."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean

import pytest

KEPT = Path(__file__).resolve().parents[2] / "benchmarks/results/embedded"
SEARCHED_ELSEWHERE = ("SEG-0", "SEG-1", "SEG-2")


def scores(benchmark: str, row: str) -> dict[int, float]:
    """The primary metric of a row's three seeds, turned so that more is better."""
    found = {}
    for path in (KEPT / benchmark / row).glob("seed*/study.json"):
        study = json.loads(path.read_text())
        score = study["answers"][0]["final"]["metrics"][study["primary"]]
        found[study["seed"]] = score if study["higher_is_better"] else -score
    assert sorted(found) == [0, 1, 2], f"{benchmark}, {row}"
    return found


@pytest.mark.parametrize("network", SEARCHED_ELSEWHERE)
def test_for_depth_they_are_better_than_what_nobody_searched_with_every_seed(network: str) -> None:
    own = scores("scenes-depth-v1", network)
    for plain in ("refinenet_lw", "fcn"):
        other = scores("scenes-depth-v1", plain)
        assert all(own[seed] > other[seed] for seed in own), plain
    assert mean(own.values()) == pytest.approx(mean(scores("scenes-depth-v1", "random_search").values()), rel=0.06)


@pytest.mark.parametrize("network", SEARCHED_ELSEWHERE)
@pytest.mark.parametrize("benchmark", ["scenes-keypoints-v1", "nuclei-segmentation-v1"])
def test_elsewhere_they_are_behind_what_is_searched_there(benchmark: str, network: str) -> None:
    own = mean(scores(benchmark, network).values())
    assert own < mean(scores(benchmark, "random_search").values())
    assert own < mean(scores(benchmark, "refinenet_lw").values())


@pytest.mark.parametrize("network", ["SEG-1", "SEG-2"])
def test_on_nuclei_the_best_of_two_are_behind_the_worst_of_random_search(network: str) -> None:
    own, there = (scores("nuclei-segmentation-v1", row) for row in (network, "random_search"))
    assert max(own.values()) < min(there.values())
