"""Pascal VOC's files, written for tests."""

from __future__ import annotations

from pathlib import Path

from PIL import Image


def picture(path: Path, width: int = 40, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (10, 200, 30)).save(path)


def marked(*objects: tuple[str, tuple[object, ...]], width: object = 40, height: object = 30, more: str = "") -> str:
    """A VOC annotation; objects are a name and xmin, ymin, xmax, ymax. Its first object is on line 3."""
    lines = ["<annotation>", f"<size><width>{width}</width><height>{height}</height></size>"]
    for name, corners in objects:
        box = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
        lines.append(f"<object><name>{name}</name>{more}<bndbox>{box}</bndbox></object>")
    return "\n".join([*lines, "</annotation>"])
