"""What all tools share: one line and exit code 2 for bad input, quiet libraries, resolved paths, an end at any moment.

Import it first: what a signal does, and how OpenMP waits, is settled here, before the libraries, whose imports take seconds.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from types import FrameType

LEAVING: list[Callable[[], object]] = []  # what a signal calls before it ends this process


def _leave(number: int, frame: FrameType | None) -> None:
    """End at once, as a kill would, which every file is made for; nothing that is under way sees an exception.

    Processes that were started have ended before, as has what else is LEAVING: the same command finds nothing held by them.
    """
    started = sys.modules["multiprocessing"].active_children() if "multiprocessing" in sys.modules else []
    for child in started:
        child.kill()
    for child in started:
        child.join()
    for end in LEAVING:
        with suppress(Exception):  # nothing keeps this process
            end()
    word = "interrupted" if number == signal.SIGINT else "terminated"
    os.write(2, f"\n{word}: the same command goes on from here\n".encode())
    os._exit(128 + number)


if "__mp_main__" not in sys.modules:  # a worker ends with its parent
    for _number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(_number) is not signal.SIG_IGN:  # as what a shell runs in the background has it
            signal.signal(_number, _leave)

# GNU OpenMP, which torch comes with, lets a thread that has nothing to do spin, which takes the core from whoever else has work
# and, where cores are shared, makes a training many times slower. It reads this once, as torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# What cleans up behind this process and its workers says so, in lines that help nobody, when a signal has ended them.
sys.warnoptions.append("ignore:resource_tracker")

import argparse  # noqa: E402
import ast  # noqa: E402
import subprocess  # noqa: E402
import threading  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from the checkout, installed or not
warnings.filterwarnings("ignore", module="mm.*|torch.*|pkg_resources")


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        refuse(f"{message} (see {self.prog} --help)")


class Settings(argparse.Action):
    """Settings of a config on the command line, as a.b=c.

    What stands behind the first "=" is a Python literal, where it is one that JSON can hold (3, 0.5, True, None, [64, 64],
    {"a": 1}), or else the text as it is, with its blanks and commas. Where something lies (root, checkpoint, weights) is
    always text, unless it is None.
    """

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None) -> None:
        from benchmarks.benchmark import PLACES

        settings = dict(getattr(namespace, self.dest) or {})
        for given in values:
            name, equals, text = given.partition("=")
            parts = name.split(".")
            if not equals or not all(parts):
                parser.error(f"{option} {given}: write it as a.b=c")
            place = parts[-1] in PLACES and text != "None"
            settings[name] = text if place else literal(text)
        setattr(namespace, self.dest, settings)


def literal(text: str) -> Any:
    """The value of a Python literal that JSON can hold; else the text itself."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    return value if _plain(value) else text


def _plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def call(command: Sequence[object], **how: Any) -> int:
    """Run a command, which a signal that ends this process ends before; its exit code, as a shell says it."""
    with subprocess.Popen([*map(str, command)], **how) as started:
        end = partial(_end, started.pid)
        LEAVING.append(end)
        try:
            code = started.wait()
        finally:
            LEAVING.remove(end)
    return code if code >= 0 else 128 - code


def _end(number: int) -> None:
    with suppress(OSError):  # it has just ended
        os.kill(number, signal.SIGTERM)
        os.waitpid(number, 0)  # Popen.wait, which may be interrupted here, holds a lock


EVERY = 4.0  # seconds between two signs of life
LONGEST = 2000  # characters of a message: a value in it may have any number


@contextmanager
def ticking(draw: Callable[[], object]) -> Iterator[None]:
    """Call `draw` every few seconds, so that whoever waits sees that something goes on."""
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(EVERY):
            draw()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A clock for work whose end nobody knows; what is done at once shows none."""
    from tqdm import tqdm

    clock = tqdm(desc=what, bar_format="{desc} {elapsed}", file=sys.stderr, leave=False, miniters=0, delay=EVERY / 2)
    with clock, ticking(lambda: clock.update(0)):
        yield


def said(message: object) -> str:
    """A message in one line that any terminal can show, and that tells it nothing (escape sequences)."""
    line = " ".join(str(message).split())
    if len(line) > LONGEST:
        line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)


DEVICES = ("auto", "cpu", "cuda")


def device(name: str) -> str:
    """The one of two that stands behind the name of a device: "auto" is a GPU where torch sees one."""
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        refuse("--device cuda: this torch sees no GPU; use --device cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def refuse(error: object, message: object = None) -> NoReturn:
    """Say in one line what is wrong with the input, and leave with exit code 2; `message`: in other words than the error's.

    What is no fault of the input is raised, for `run`.
    """
    if isinstance(error, OSError | MemoryError):
        from benchmarks.running.job import machines_fault

        if isinstance(error, BrokenPipeError) or machines_fault(error):  # nobody reads on, or a full disk
            raise error
    print(f"error: {said(error if message is None else message)}", file=sys.stderr)
    raise SystemExit(2)


def run(main: Callable[[], int]) -> NoReturn:
    """Leave with `main`'s exit code. What the machine is to blame for, a full disk say, is one line and exit code 1."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except (OSError, MemoryError) as error:
        print(f"failed: {said(error) or 'out of memory'}", file=sys.stderr)
        code = 1
    raise SystemExit(code)
