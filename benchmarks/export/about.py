"""What the `model.json` of a network that was taken home says, for those who read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from benchmarks.export.latency import Latency
from core import parse
from core.parsing import in_a_line

T = TypeVar("T")
ABOUT = "model.json"


@dataclass(frozen=True)
class Kind:
    """Which task the network is for."""

    task: Literal["segmentation", "detection", "restoration", "classification", "depth", "keypoints"]


@dataclass(frozen=True)
class Worth:
    """What it is worth and costs, and its milliseconds for an image by engine."""

    metrics: Mapping[str, float]
    params: float
    madds: float
    latency_ms: Mapping[str, Latency]


def read_about(folder: Path) -> dict[str, Any]:
    """All of it. Raises ValueError where there is none, or it is no object."""
    path = folder / ABOUT
    try:
        about = json.loads(path.read_text())
    except FileNotFoundError:
        raise ValueError(f"there is no {path}: give a folder that export_model.py wrote") from None
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, in_a_line(error)) from None
    if not isinstance(about, dict):
        raise _damaged(folder, "it is no object")
    return about


def part_of(about: Mapping[str, Any], kind: type[T], folder: Path) -> T:
    """The entries of the dataclass `kind`. Raises ValueError where one is missing, or not what it must be."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    try:
        return parse(kind, {name: about[name] for name in names if name in about}, "it")
    except ValueError as error:
        raise _damaged(folder, error) from None


def _damaged(folder: Path, why: object) -> ValueError:
    return ValueError(f"{folder / ABOUT} does not describe a network ({why}): export it again")
