"""Short names for content."""

from __future__ import annotations

import hashlib
import json


def content_key(value: object) -> str:
    """A hash of the canonical JSON of `value` (16 hexadecimal digits), the same on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
