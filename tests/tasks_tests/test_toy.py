"""The task in closed form: scores, epochs, gains, and a supernet that is really trained."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from random import Random

import pytest
import torch

from benchmarks.running.derived import derived
from search_spaces.supernet import supernet_in
from search_spaces.toy.space import ToySpace
from tasks import Inherited, Stage, Start
from tasks.toy import ToyTask
from tasks.weights import save

SPACE = ToySpace(4)
BEST = {"layers": [dict(width=16, kernel=kernel, act="relu") for kernel in (3, 5, 3, 5)]}


def stage(**recipe) -> Stage:
    return Stage.of(dict(name="s", recipe=recipe))


def test_the_best_is_known() -> None:
    assert ToyTask().fit(BEST, stage(epochs=1), seed=0).metrics == {"score": 100.0}
    for seed in range(20):
        model = SPACE.model(SPACE.sample(Random(seed)))
        assert model == BEST or ToyTask().fit(model, stage(epochs=1), seed=0).metrics["score"] < 100


def test_noise_falls_with_the_epochs_also_with_those_before(tmp_path: Path) -> None:
    task, path = ToyTask(noise=4.0), str(tmp_path / "weights")
    noise = Random(7).gauss(0.0, 4.0)
    assert task.fit(BEST, stage(epochs=2), seed=7, keep=path).metrics["score"] == 100 + noise / 2
    for recipe, epochs in ((dict(epochs=3), 3), (dict(epochs=3, continues=True), 5), (dict(epochs=0), 2)):
        outcome = task.fit(BEST, stage(**recipe), seed=7, start=Start(path))
        assert outcome.metrics["score"] == 100 + noise / epochs
        assert outcome.cost.images == (100 * recipe["epochs"] or 10)
        assert outcome.inherited == Inherited(1, 0, 0)


def test_a_network_that_was_never_trained_is_worth_half() -> None:
    assert ToyTask().fit(BEST, stage(epochs=0), seed=0).metrics == {"score": 50.0}


def test_a_layer_can_be_broken() -> None:
    with pytest.raises(RuntimeError, match="'relu' is broken on purpose"):
        ToyTask(broken="relu").fit(BEST, stage(epochs=1), seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_a_supernet_gives_its_gains_to_an_answer(seed: int, tmp_path: Path) -> None:
    task, arch, path = ToyTask(), SPACE.sample(Random(seed)), str(tmp_path / "supernet")
    network = task.begin(SPACE.supernet(), stage(epochs=1), 0)
    torch.nn.init.normal_(network.gains)
    save(network.state_dict(), path)
    with torch.no_grad(), supernet_in(network).held(arch.as_dict()):
        held = task.score(network, stage(epochs=1))["score"]
    rule = partial(derived, task, SPACE, stage(epochs=1), path, arch.as_dict())
    outcome = task.fit(SPACE.model(arch), stage(epochs=0), seed=0, start=Start(path, rule))
    assert outcome.metrics["score"] == pytest.approx(held, rel=1e-5)
    assert outcome.inherited == Inherited(0, 1, 0)


def test_a_supernet_learns() -> None:
    task = ToyTask()
    outcome = task.fit(SPACE.supernet(), stage(epochs=20, lr=0.1), seed=0)
    before = task.fit(SPACE.supernet(), stage(epochs=0), seed=0)
    assert outcome.metrics["score"] > 2 * before.metrics["score"]
    assert outcome.cost.images == 20 * 100 + 10


def test_it_goes_without_torch() -> None:
    code = """if True:
        import sys
        from tasks import Stage
        from tasks.toy import ToyTask
        model = dict(layers=[dict(width=8, kernel=3, act="relu")])
        ToyTask().fit(model, Stage.of(dict(name="s", recipe=dict(epochs=1))), seed=0)
        ToyTask().measure(model, ["params", "madds"])
        assert "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])
