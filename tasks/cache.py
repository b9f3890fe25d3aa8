"""Folders on disk named after what they are made from."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from tasks.stage import Cost


def digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def cached(root: Path, kind: str, identity: dict[str, Any], make: Callable[[Path], Cost]) -> tuple[Path, Cost]:
    """The folder of what `identity` describes, and what it cost to make it, now or before.

    Where it is not there, `make` fills an empty folder, which then takes its name in one step: a kill leaves nothing
    half made, and of two processes that make the same, the first wins.
    """
    folder = root / f"{kind}-{digest(identity)}"
    note = folder / "made_from.json"
    if not note.is_file():
        root.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=root))
        try:
            cost = make(part)
            text = json.dumps({"identity": identity, "cost": asdict(cost)}, indent=2, default=str)
            (part / note.name).write_text(text)
            if not folder.exists():
                os.rename(part, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder, Cost(**json.loads(note.read_text())["cost"])
