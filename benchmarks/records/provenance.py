"""Where and with what a study ran."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path


def device_name(device: str, threads: int | None = None) -> str:
    """What jobs run on; on processors with so many threads each, or else with those of this process."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"cpu {platform.machine()} x{threads or torch.get_num_threads()}"


def versions() -> dict[str, str]:
    """Of Python and of the libraries, by the names of what was installed: OpenMMLab's own packages, or their forks."""
    owners = importlib.metadata.packages_distributions()
    names = [owners[module][0] for module in ("torch", "mmengine", "mmcv", "mmdet", "mmseg", "numpy")]
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}


def commit() -> str:
    """The checkout's commit, "unknown" outside a git checkout, or without git."""
    here = Path(__file__).parent
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return git.stdout.strip() or "unknown"
