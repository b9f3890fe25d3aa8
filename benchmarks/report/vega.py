"""Vega's script, which draws the figures: the page holds it once."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import vl_convert

from benchmarks.files import write

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "densebench"
SNIPPET = "window.vegaEmbed = vegaEmbed;"  # what the page asks of it


def script() -> str:
    """Put together once for each version of vl-convert, which takes two seconds, and kept, under a checksum."""
    path = CACHE / f"vega-{version('vl-convert-python')}.js"
    if path.is_file():
        digest, _, kept = path.read_bytes().partition(b"\n")
        if digest.decode(errors="replace") == sha256(SNIPPET.encode() + kept).hexdigest():
            return kept.decode()
    text = vl_convert.javascript_bundle(SNIPPET)
    with suppress(OSError):  # where nothing can be kept it takes two seconds each time
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, f"{sha256((SNIPPET + text).encode()).hexdigest()}\n{text}")
    return text
