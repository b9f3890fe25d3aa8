"""A budget of images is the same for one worker and for several."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

from benchmarks.executors import InlineExecutor
from strategies.random_search import RandomSearch


class Patient(InlineExecutor):
    """Runs a job when somebody asks for its result, as if it were done only then."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        run = super().submit

        class Later(Future[Any]):
            def done(self) -> bool:
                return True

            def add_done_callback(self, fn: Any) -> None:
                fn(self)

            def result(self, timeout: float | None = None) -> Any:
                return run(fn, *args, **kwargs).result()

        return Later()


def test_the_image_budget_counts_what_is_in_flight(toy_study) -> None:
    """A trial takes 500 images: three workers spend as much as one."""
    for limit in (500, 1200, 2000):
        spent = []
        for workers in (1, 3):
            changes = dict(budget=dict(trials=100, images=limit), gate=None, workers=workers)
            with Patient() as pool, toy_study(executor=pool, **changes) as one:
                RandomSearch().search(one)
            spent.append(one.cost.images)
        assert spent[0] == spent[1] < limit + 500
