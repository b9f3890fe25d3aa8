"""What all tools share: one line and exit code 2 for bad input, quiet libraries, resolved paths."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from mmengine.config import DictAction

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from the checkout, installed or not
warnings.filterwarnings("ignore", module="mm.*|torch.*|pkg_resources")


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        refuse(f"{message} (see {self.prog} --help)")


class Settings(DictAction):
    """Settings of a config on the command line, as a.b=c."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None) -> None:
        for value in values:
            if "=" not in value:
                parser.error(f"{option} {value}: write it as a.b=c")
        super().__call__(parser, namespace, values, option)


def refuse(message: object) -> NoReturn:
    """Say in one line what is wrong with the input, and leave with exit code 2."""
    print("error: " + " ".join(str(message).split()), file=sys.stderr)
    raise SystemExit(2)


def run(main: Callable[[], int]) -> NoReturn:
    """Leave with `main`'s exit code; an interrupt from the keyboard leaves with 130 and no traceback."""
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        code = 130
    raise SystemExit(code)
