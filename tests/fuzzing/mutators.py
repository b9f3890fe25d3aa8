"""Sound input as hands, tools and disks change it: strategies of Hypothesis for plain data, bytes and pictures."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

Draw = Callable[[st.SearchStrategy[Any]], Any]
NESTED = 400  # what can just be read, and is too deep for much that comes behind


def nested(value: Any, depth: int = NESTED) -> Any:
    for _ in range(depth):
        value = [value]
    return value


NUMBERS: list[Any] = [
    0,
    1,
    -1,
    2**31,
    2**63,
    -(2**63),
    10**400,
    0.5,
    -0.5,
    640.0,
    1e-300,
    1e308,
    float("nan"),
    float("inf"),
]
TEXTS = [
    "",
    "0",
    "x",
    " ",
    "a\nb",
    "a\0b",
    "\ud800",
    "\ufeffred",
    "e\u0301",
    "=cmd",
    "$x$",
    "../x",
    "/etc/hostname",
    "x" * 5000,
]
TYPES: list[Any] = [{"type": 3}, {"type": "os.system"}, {"type": ".x"}, {"type": "subprocess.Popen", "args": ["true"]}]
ODD: list[Any] = [None, True, False, [], [1], ["a"], [[]], {}, {"a": 1}, {"id": 1}, nested(0)]
WRONG = [*ODD, *NUMBERS, *TEXTS, *TYPES]
PIECES = [b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"\x85", b"\xb0\xcb", b"<a>", b"</a>", b"&x;", b"../"]
PIECES += [
    b'"',
    b"[",
    b"{",
    b"\xe2\x80\xa8",
    b"1e999",
    b"-",
    b"NaN",
    b"\\ud800",
    b"1" * 5000,
    b"[" * 100_000,
    b'{"a":' * 50_000,
]


def one_of(draw: Draw, options: list[Any]) -> Any:
    """One of some options, which may be no constants of one type."""
    return options[draw(st.integers(0, len(options) - 1))]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in plain data with a key that it has."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@st.composite
def changed(draw: Draw, sound: Any) -> Any:
    """Plain data of one to three edits: entries replaced, removed, renamed, doubled, added, exchanged, nested or grown."""
    value = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        found = list(places(value)) if not isinstance(value, list) or len(value) < NESTED else []
        if not found or draw(st.integers(0, 40)) == 40:
            value = copy.deepcopy(one_of(draw, WRONG))
            continue
        _edit(draw, *one_of(draw, found), [holder[key] for holder, key in found])
    return value


def _edit(draw: Draw, holder: Any, key: Any, others: list[Any]) -> None:
    edit, value = draw(st.integers(0, 8)), holder[key]
    if edit == 0:
        del holder[key]
    elif edit == 1 and isinstance(holder, dict):
        holder[one_of(draw, ["", f"{key}_", f"_{key}", str(key).upper(), "_delete_", "type"])] = holder.pop(key)
    elif edit == 1:
        holder.insert(key, copy.deepcopy(value))
    elif edit == 2:
        holder[key] = copy.deepcopy(one_of(draw, others))
    elif edit == 3 and isinstance(holder, dict):
        holder[one_of(draw, ["x", "id", "type", "0"])] = copy.deepcopy(one_of(draw, WRONG))
    elif edit == 4:
        holder[key] = nested(value, one_of(draw, [1, 2, NESTED]))
    elif edit == 5 and isinstance(value, int | float) and abs(value) < 2**64:
        holder[key] = one_of(draw, [-value, value + 1, value + 0.5, value * 10**6, str(value), float(value)])
    elif edit == 5 and isinstance(value, str):
        holder[key] = one_of(draw, [value.upper(), f" {value}", value + "\n", value * 1000, value[:-1], f"x.{value}"])
    else:
        holder[key] = copy.deepcopy(one_of(draw, WRONG))


@st.composite
def damaged(draw: Draw, sound: bytes, head: int | None = None) -> bytes:
    """Bytes of one to four edits, in their first `head`: changed, cut out, put in, doubled; or all that follows is lost."""
    data, rest = sound[:head], sound[head:] if head is not None else b""
    for _ in range(draw(st.integers(1, 4))):
        at, edit = draw(st.integers(0, len(data))), draw(st.integers(0, 5))
        if edit == 0:
            data = data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
        elif edit == 1:
            data = data[:at] + data[at + draw(st.integers(1, 20)) :]
        elif edit in (2, 3):
            data = data[:at] + one_of(draw, PIECES) + data[at:]
        elif edit == 4:
            data = data[:at] + data[at : at + draw(st.integers(1, 200))] + data[at:]
        else:
            return data[:at]
    return data + rest


def written(value: Any) -> bytes:
    """Plain data as JSON, with whatever Python writes: NaN, numbers of any length, halves of characters."""
    return json.dumps(value).encode()


def documents(sound: Any) -> st.SearchStrategy[bytes]:
    """A JSON file whose content or bytes have changed."""
    return st.one_of(changed(sound).map(written), changed(sound).map(written), damaged(written(sound)))


def lines(sound: list[Any]) -> st.SearchStrategy[bytes]:
    """A file of JSON lines whose content or bytes have changed."""

    def joined(several: Any) -> bytes:
        return b"".join(written(line) + b"\n" for line in (several if isinstance(several, list) else [several]))

    return st.one_of(changed(sound).map(joined), changed(sound).map(joined), damaged(joined(sound)))


MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"]
FORMATS = ["PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "PPM", "PCX"]


@st.composite
def pictures(draw: Draw, size: tuple[int, int] = (12, 10), values: int = 3) -> bytes:
    """A file of a picture of `size`, most often, of any mode, format and orientation, and perhaps damaged."""
    width, height = one_of(draw, [size, size, size, size[::-1], (1, 1), (3000, 1)])
    levels = np.random.default_rng(draw(st.integers(0, 3))).integers(0, one_of(draw, [values, 256]), (height, width))
    made, mode, form = io.BytesIO(), one_of(draw, MODES), one_of(draw, ["PNG", "PNG", "PNG", *FORMATS])
    picture = Image.fromarray(levels.astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = draw(st.integers(0, 9))
    more: dict[str, Any] = one_of(draw, [{}, {}, {"exif": exif}, {"transparency": 0}, {"bits": 2}])
    try:
        picture.convert(mode).save(made, form, **more)
    except (OSError, ValueError, TypeError, KeyError, SystemError):  # a format that cannot hold it
        made = io.BytesIO()
        picture.save(made, "PNG")
    data = made.getvalue()
    return draw(st.one_of(st.just(data), damaged(data), damaged(data, 60)))
