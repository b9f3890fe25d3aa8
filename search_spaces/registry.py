"""The registry of spaces, and the lookup that says "did you mean"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mmengine.registry import Registry

SPACES = Registry("space", scope="densebench", locations=["search_spaces.toy", "search_spaces.decoder_cells"])


def did_you_mean(kind: str, name: object, options: Iterable[object]) -> str:
    """One sentence for a name that is not among `options`: what, which value, what to do."""
    known = [str(option) for option in options]
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}"
    return f"unknown {kind} {str(name)!r}: {hint}"
