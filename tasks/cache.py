"""Folders on disk named after what they are made from."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core import content_key
from tasks.cost import Cost, Meter

NOTE = "made_from.json"


def cached(
    root: Path,
    kind: str,
    identity: dict[str, Any],
    make: Callable[[Path], None],
    meter: Meter,
    flaw: Callable[[Path], str | None] = lambda folder: None,
) -> tuple[Path, Cost]:
    """The folder of what `identity` describes, and what it cost to make it, now or before.

    Where it is not there, `make` fills an empty folder, which then takes its name in one step: a kill leaves nothing
    half made, and of two processes that make the same, both use the first one's. A folder without a readable note of its
    making, or with a `flaw`, is set aside and made again, once. Raises ValueError where that has a flaw, too.
    """
    folder, fault = root / f"{kind}-{content_key(identity)}", None
    for _ in range(2):
        if not folder.exists():
            _make(folder, identity, make, meter)
        try:
            cost = Cost(**json.loads((folder / NOTE).read_text())["cost"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            fault = f"has no readable {NOTE}"
        else:
            fault = flaw(folder)
            if fault is None:
                return folder, cost
        aside = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.bad")
        with suppress(FileNotFoundError):  # another process has done it
            os.rename(folder, aside)
            print(f"{folder} {fault}: set aside as {aside.name}", file=sys.stderr)
    raise ValueError(f"{folder} {fault}, also made anew: give another cache, or look for what changes the results")


def _make(folder: Path, identity: dict[str, Any], make: Callable[[Path], None], meter: Meter) -> None:
    part = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    part.mkdir(parents=True)
    try:
        spent = meter.measure()
        make(part)
        text = json.dumps({"identity": identity, "cost": asdict(spent.cost)}, indent=2, default=str)
        (part / NOTE).write_text(text)
        try:
            os.rename(part, folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
