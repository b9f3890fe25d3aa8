"""The memory of a supernet's training: foreseen as it comes, refused with a batch that fits, read from control groups."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core import build
from search_spaces import SPACES
from search_spaces.restoration_cells.space import RestorationCells
from strategies.supernet import memory
from strategies.supernet.darts import DARTS
from strategies.supernet.free_memory import free_memory, left_by_groups
from strategies.supernet.live_tensors import Live
from strategies.supernet.memory import RESERVE, START, foresee
from strategies.supernet.one_shot import OneShot
from strategies.supernet.search import SupernetSearch
from tasks import Cost, Recipe, Stage, View
from tasks.restoration.task import RestorationTask

TASK = RestorationTask(dict(type="ScenesImages"), "", dict(type="Noise", sigma=30.0), ssim_weight=0.02)
# 26 images, of which a half fills a batch
STAGE = Stage("short", View(share=0.1, size=(32, 32), copies=1), Recipe(epochs=1, batch=12))


def space(channels: int = 4) -> Any:
    return build(SPACES, dict(type="RestorationCells", nodes=1, layers=2, channels=channels, stem=8))


def stage(batch: int) -> Stage:
    return replace(STAGE, recipe=replace(STAGE.recipe, batch=batch))


def prepare(free: float, monkeypatch: pytest.MonkeyPatch, channels: int = 4, batch: int = 12) -> str:
    monkeypatch.setattr(memory, "free_memory", lambda device: free)
    monkeypatch.setattr(TASK, "prepare", lambda stages: Cost())  # reads all images
    study: Any = SimpleNamespace(space=space(channels), task=TASK, stages=[stage(batch)])
    return DARTS().prepare(study).note


def test_bytes_are_counted_while_they_live() -> None:
    old = torch.zeros(1000)
    with Live([old]) as live:
        half, again = old[500:], old.view(10, 100)
        first = half + 1
        second = torch.cat([first, first])
        assert live.now == 4 * (500 + 1000)
        del first
        second.view(2, 500).add_(1)
        assert live.now == 4 * 1000
    assert again.shape == (10, 100)
    assert live.peak == 4 * 1500


def test_bytes_of_a_way_back_are_counted() -> None:
    weight = torch.ones(1000, requires_grad=True)
    with Live([weight]) as live:
        loss = (weight.exp().exp()).sum()
        assert live.now == 2 * 4000 + 4
        loss.backward()
    assert live.peak >= 3 * 4000
    assert live.now == 4000 + 4  # the gradient


def test_it_stops_at_the_limit() -> None:
    with pytest.raises(MemoryError), Live(limit=5000):
        torch.zeros(1000) + torch.zeros(1000)


@pytest.mark.parametrize(
    "strategy", [DARTS(epochs=1), DARTS(epochs=1, order=2), OneShot(epochs=1)], ids=["first", "second", "one_shot"]
)
def test_an_epoch_takes_what_was_foreseen(
    restoration_study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: SupernetSearch
) -> None:
    """The training and scoring of an epoch, from the moment when the supernet is there; all answers sampled are one."""
    from tasks.restoration.samples import RestorationSamples

    monkeypatch.setattr(RestorationSamples, "eval_size", 1)
    answer = space().sample(Random(0))
    monkeypatch.setattr(RestorationCells, "sample", lambda self, rng: answer)
    plain = dict(name="short", view=dict(share=0.1, size=[32, 32], copies=1), recipe=dict(epochs=1, batch=12))
    settings = dict(type="RestorationCells", nodes=1, layers=2, channels=4, stem=8)
    first = strategy.stages(STAGE)[0]
    need = foresee(TASK, space().supernet(), first, strategy.copies, math.inf, strategy.paths(space()))
    assert need.batch == 12
    with restoration_study(tmp_path, space=settings, stages=[plain]) as study:
        with monkeypatch.context() as patch:
            patch.setattr(type(study), "wants", lambda self: False)
            strategy.train(study)
        weights = list(strategy.training.network.state_dict().values())
        with Live(weights) as live:
            strategy._epoch(study)
    taken = live.peak + sum(weight.nbytes for weight in weights)
    foreseen = need.fixed - START + need.batch * need.image / RESERVE["cpu"]
    assert 0.85 < foreseen / taken < 1.15


def test_a_batch_that_fits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    need = foresee(TASK, space().supernet(), STAGE, 3, math.inf)
    free = need.fixed + 5.5 * need.image
    with pytest.raises(
        ValueError, match=r"needs \d+ MiB for batches of 12, .*: set benchmark\.stages\.0\.recipe\.batch=5$"
    ):
        prepare(free, monkeypatch)
    with pytest.raises(ValueError, match=r"for batches of 6, .* set benchmark\.stages\.0\.recipe\.batch=5$"):
        prepare(free, monkeypatch, batch=6)
    assert "for batches of 5, and" in prepare(free, monkeypatch, batch=5)


def test_without_room_for_two_images_the_network_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    need = foresee(TASK, space().supernet(), STAGE, 3, math.inf)
    wide = foresee(TASK, space(8).supernet(), STAGE, 3, math.inf)
    assert wide.fixed > need.fixed
    for free in (need.fixed + 1.5 * need.image, need.fixed + 0.1 * need.image, need.fixed - 1, 1000):
        with pytest.raises(ValueError, match=r"not even for batches of 2: give the space narrower channels, or"):
            prepare(free, monkeypatch)


def test_absurd_weights_are_never_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"does not fit into the 8\.0 GiB that are free"):
        prepare(2**33, monkeypatch, channels=100_000)


def test_looking_ahead_changes_no_randomness(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_rng_state()
    prepare(2**40, monkeypatch)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_cannot_be_searched_is_refused() -> None:
    study: Any = SimpleNamespace(space=space(), task=object(), stages=[STAGE])
    with pytest.raises(ValueError, match="object trains nothing: choose a strategy that asks and tells"):
        DARTS().prepare(study)
    few = replace(STAGE, view=replace(STAGE.view, share=1e-6))
    study = SimpleNamespace(space=space(), task=TASK, stages=[few])
    with pytest.raises(ValueError, match=r"'short' has one training image, .* raise benchmark\.stages\.0\.view\.share"):
        DARTS().prepare(study)


@pytest.fixture
def groups(tmp_path: Path) -> Callable[..., list[int]]:
    """Write control groups, {folder: (limit, usage, cache)}, and read what they leave to the process in the table's groups."""

    def read(table: str, names: tuple[str, str, str], folders: dict[str, tuple[object, int, int]]) -> list[int]:
        for folder, (limit, usage, cache) in folders.items():
            place = tmp_path / "mount" / folder
            place.mkdir(parents=True, exist_ok=True)
            (place / names[0]).write_text(f"{limit}\n")
            (place / names[1]).write_text(f"{usage}\n")
            stat = f"cache 99\n{names[2]}inactive_file {cache}\n{names[2]}active_file 1\n"
            (place / "memory.stat").write_text(stat)
        (tmp_path / "table").write_text(table)
        return left_by_groups(tmp_path / "table", tmp_path / "mount")

    return read


def test_limits_of_control_groups(groups: Callable[..., list[int]]) -> None:
    second = ("memory.max", "memory.current", "")
    folders = {"": (5000, 3000, 0), "a": ("max", 2000, 0), "a/b": (900, 700, 49), "other": (10, 9, 0)}
    assert groups("0::/a/b\n", second, folders) == [250, 2001]


def test_limits_of_control_groups_of_the_first_version(groups: Callable[..., list[int]]) -> None:
    first = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
    table = "5:cpu,cpuacct:/x\n4:memory:/docker/0123\n0::/\n"  # a container sees its group as the root
    assert groups(table, first, {"memory": (1000, 400, 99)}) == [700]


def test_without_control_groups(tmp_path: Path) -> None:
    assert left_by_groups(tmp_path / "none", tmp_path) == []
    assert 0 < free_memory("cpu") < 2**50
