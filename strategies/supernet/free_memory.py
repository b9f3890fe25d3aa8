"""The memory that is left on a machine, or in the container that holds this process."""

from __future__ import annotations

from pathlib import Path

import psutil
import torch


def free_memory(device: str) -> int:
    """Bytes that this process can still have on a device."""
    if torch.device(device).type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    return min([psutil.virtual_memory().available, *left_by_groups(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def left_by_groups(table: Path, mount: Path) -> list[int]:
    """Bytes that the memory limits of this process's control groups leave, where there are any (a container's, say).

    `table` lists the groups, which lie below `mount`, in version 1 or 2 of Linux' control groups. A limit holds for all groups
    below; a container may see its own group as the root. Files in the page cache count as free.
    """
    left = []
    for line in table.read_text().splitlines() if table.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            limit, usage, total = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
        elif not controllers:
            limit, usage, total = "memory.max", "memory.current", ""
        else:
            continue
        root = mount / controllers
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            bound = folder / limit
            if folder.is_relative_to(root) and bound.is_file() and bound.read_text().strip() != "max":
                stat = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                cache = int(stat[f"{total}active_file"]) + int(stat[f"{total}inactive_file"])
                left.append(int(bound.read_text()) - int((folder / usage).read_text()) + cache)
    return left
