"""Curves of a study in the visualisation backends of MMEngine (TensorBoard, MLflow, Weights & Biases, files of JSON lines)."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.catalogue import VIS_BACKENDS
from benchmarks.records.recorded import Recorded
from core import did_you_mean
from core.parsing import shown

Backends = Sequence[Mapping[str, Any]]


def checked(backends: Any) -> Backends:
    """A config's `vis_backends`, each a dict with a `type`, as in MMEngine. Raises ValueError where they are none."""
    if not isinstance(backends, list | tuple) or not all(
        isinstance(one, Mapping) and "type" in one for one in backends
    ):
        raise ValueError(f"{VIS_BACKENDS} must be a list of dicts with a type, not {shown(backends)}")
    if backends:
        from mmengine.visualization.vis_backend import VISBACKENDS  # imports torch

        for one in backends:
            try:
                found = VISBACKENDS.get(str(one["type"]))
            except Exception:  # what MMEngine raises where a name is not even a module's
                found = None
            if found is None:
                raise ValueError(did_you_mean("visualisation backend", one["type"], VISBACKENDS.module_dict))
    return backends


class Curves:
    """Scalars of a study, each at the number of images that its search had seen (trials, where it sees none).

    `search/best` is the best reward so far, `search/reward` that of the trial, `search/<stage>/<metric>` what its stages came
    to; `final/<metric>` are those of the answers, each at its place. What an earlier process has recorded is not shown again.
    Files of backends lie in `vis_data` of the run's folder. Raises ValueError where a backend cannot be opened.
    """

    def __init__(self, backends: Backends, folder: Path):
        from mmengine.visualization import Visualizer

        self._recorded = Recorded(folder)
        self._recorded.look()
        given: Any = copy.deepcopy(list(backends))  # it takes them apart
        try:
            self._visualizer = Visualizer(vis_backends=given, save_dir=str(folder))
            for backend in self._visualizer._vis_backends.values():
                _ = backend.experiment  # opens it, which it would do with the first scalar
        except Exception as error:  # any library's
            names = ", ".join(str(one["type"]) for one in backends)
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise ValueError(
                f"{VIS_BACKENDS} ({names}) cannot be opened ({why}): install what is missing, or leave it out"
            ) from error

    def show(self, *_: object) -> None:
        """Add what the record has grown by."""
        seen = self._recorded
        for trial in seen.news():
            metrics = {
                f"search/{stage['name']}/{name}": value
                for stage in trial["stages"]
                for name, value in stage["metrics"].items()
            }
            reward = {} if trial["reward"] is None else {"search/reward": trial["reward"]}
            best = {"search/best": seen.best} if seen.best > -math.inf else {}
            self._add({**best, **reward, **metrics}, seen.images or seen.trials)

    def finish(self, answers: Sequence[Mapping[str, Any]]) -> None:
        """Add the final scores, and close the backends."""
        for place, answer in enumerate(answers):
            self._add({f"final/{name}": value for name, value in answer["final"]["metrics"].items()}, place)
        self._visualizer.close()

    def _add(self, scalars: dict[str, float], step: int) -> None:
        try:
            self._visualizer.add_scalars(scalars, step)
        except Exception as error:  # a server that is gone, say
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise RuntimeError(f"{VIS_BACKENDS} failed ({why}): the same command goes on, also without them") from error
