"""The executor that runs a job at once, in this process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class InlineExecutor(Executor):
    """Runs at submission. An interrupt from the keyboard is not a result: it goes on to the caller."""

    def __init__(self, max_workers: int = 1):
        if max_workers != 1:
            raise ValueError(f"the inline executor has one worker, not {max_workers}: use --executor process")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
