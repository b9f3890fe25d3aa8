"""What an executor can do whose workers are processes of their own."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Ending(Protocol):
    """An executor that can end a job that is under way, and the worker with it. Nobody reads that job's future again."""

    def end(self, future: Future[Any]) -> None: ...
