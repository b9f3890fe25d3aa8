"""Make .venv: torch first, then mmcv, compiled against it, then everything else. Needs nothing but Python.

`make install` runs it. PYTHON chooses the interpreter (3.10 to 3.13) and TORCH the build of torch: `2.13.0+cpu`, `2.13.0+cu130`
and the like come from PyTorch's own index, `2.13.0` is the one of your package index. Without TORCH it is the tested release,
on Linux without an NVIDIA GPU its small CPU build.

mmcv 2.1.0 comes as source only. Two of its lines are mended before it is compiled: its setup reads its own version in a way
that fails from Python 3.13 on, and it asks for C++17 where torch needs C++20 from 2.14 on. The wheel is kept under
~/.cache/densebench for the next clone.
"""

import argparse
import contextlib
import hashlib
import os
import platform
import queue
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.parse import urljoin
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
INSIDE = VENV / ("Scripts" if os.name == "nt" else "bin") / "python"
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "densebench"
PYTHONS = ((3, 10), (3, 13))
TESTED, OLDEST, CXX20 = "2.13.0", (2, 13), (2, 14)  # torch: what is tested, what is taken, from where on it needs C++20
BUILDS = "https://download.pytorch.org/whl/"
MMCV, CHECKSUM = "mmcv-2.1.0", "d387bcab66b467479b6660310e23746cfc79c6e57acf04094680adb499a5cd3f"
EVERY = 3  # seconds between two signs of life on a terminal; a log has a fifth of them
IMPORTS = "torch, cv2, mmcv.ops, mmengine, mmdet, mmseg, pycocotools, skimage, search_spaces"


def main():
    wanted = os.environ.get("TORCH", "")
    number = release(wanted or TESTED)
    check(number)
    if not INSIDE.exists():
        follow("a virtual environment in .venv", [sys.executable, "-m", "venv", str(VENV)])
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "constraints.txt")
        pins.write_text(constraints((ROOT / "constraints.txt").read_text(), wanted))
        pip = [str(INSIDE), "-m", "pip", "install", "--disable-pip-version-check", "--constraint", str(pins)]
        install_torch(pip, wanted)
        follow("what builds mmcv", [*pip, "setuptools<81", "wheel", "ninja", "psutil"])
        if not imports("mmcv.ops"):
            follow("mmcv", [*pip, str(built(number, Path(folder)))])
        follow("everything else", [*pip, "--no-build-isolation", "--editable", str(ROOT) + "[dev]"])
    follow(
        "a first import of everything",
        [str(INSIDE), "-c", f"import {IMPORTS}"],
        cwd=ROOT,
        hint="install the library that it names (Debian, for OpenCV: apt-get install libgl1 libglib2.0-0)",
    )
    print("install: done")


def release(torch):
    """The first two numbers of a version of torch. Stops where it is none, or too old."""
    found = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?(\+\w+)?", torch)
    if not found:
        stop(f"TORCH must be a version like {TESTED} or {TESTED}+cpu, not {torch!r}")
    number = int(found[1]), int(found[2])
    if number < OLDEST:
        stop(f"needs torch {OLDEST[0]}.{OLDEST[1]} or newer, not {torch}: leave TORCH out for {TESTED}")
    return number


def check(number):
    """Stop in the first second where the installation would fail in the tenth minute."""
    lowest, highest = (".".join(map(str, version)) for version in PYTHONS)
    python = sys.version_info[:2]
    if not PYTHONS[0] <= python <= PYTHONS[1]:
        stop(
            f"needs Python {lowest} to {highest}, not {platform.python_version()}: name another with make install PYTHON=..."
        )
    if INSIDE.exists():
        inside = subprocess.run(
            [INSIDE, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
        )
        if inside.stdout.split() != [str(part) for part in python]:
            stop(f".venv does not hold Python {python[0]}.{python[1]}: remove it, or name its own with PYTHON=...")
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        stop("needs the headers of Python: install them (Debian: apt-get install python3-dev)")
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        stop("needs Python's venv module: install it (Debian: apt-get install python3-venv)")
    compiler, standard = os.environ.get("CXX", "c++"), standard_of(number)
    try:
        trial = subprocess.run(
            [*compiler.split(), f"-std={standard}", "-fsyntax-only", "-x", "c++", "-"], input=b"int a;"
        )
    except OSError:
        stop("needs a C++ compiler for mmcv's operations: install one (Debian: apt-get install g++), or set CXX")
    if trial.returncode:
        stop(f"the compiler {compiler} does not know {standard}: install a newer one, or name it with CXX=...")


def standard_of(number):
    return "c++20" if number >= CXX20 else "c++17"


def constraints(pinned, torch):
    """The pins, with the version of torch that was asked for."""
    return re.sub(r"(?m)^torch==.*$", f"torch=={torch}", pinned) if torch else pinned


def install_torch(pip, wanted):
    """The build that was asked for; of the tested release the CPU's where no GPU is there and PyTorch's index has it."""
    if imports("torch") and not wanted:
        return
    small = not wanted and sys.platform == "linux" and not shutil.which("nvidia-smi")
    label = "cpu" if small else wanted.partition("+")[2]
    index = ["--extra-index-url", BUILDS + label] if label and reachable(BUILDS + label + "/torch/") else []
    torch = f"{TESTED}+cpu" if small else wanted or TESTED
    failed = follow(f"torch {torch}", [*pip, *index, f"torch=={torch}"], final=not small)
    if failed:
        print(f"install: no CPU build of torch can be had here, so the larger {TESTED} of your package index is taken")
        follow(f"torch {TESTED}", [*pip, f"torch=={TESTED}"])


def reachable(url):
    try:
        with urlopen(url, timeout=10):
            return True
    except (URLError, OSError):
        return False


def built(number, folder):
    """The wheel of mmcv with its compiled operations for this Python and this torch; kept from an earlier build, or made."""
    version = "import torch; print(torch.__version__)"
    torch = subprocess.run([INSIDE, "-c", version], capture_output=True, text=True, check=True).stdout.strip()
    shelf, tag = KEPT / f"torch-{torch}", "cp{}{}".format(*sys.version_info)
    kept = list(shelf.glob(f"{MMCV}-{tag}-*{platform.machine()}.whl"))
    if kept:
        print(f"install: mmcv was built before: {kept[0]}")
        return kept[0]
    with tarfile.open(source()) as packed:
        packed.extraction_filter = getattr(tarfile, "data_filter", None)  # what Python 3.12 warns without
        packed.extractall(folder)
    setup = folder / MMCV / "setup.py"
    setup.write_text(mended(setup.read_text(encoding="utf-8"), standard_of(number)), encoding="utf-8")
    settings = {"MMCV_WITH_OPS": "1", "MAX_JOBS": os.environ.get("MAX_JOBS") or str(os.cpu_count() or 1)}
    follow(
        "mmcv's C++ operations (about 8 minutes on two cores; the wheel is kept)",
        [str(INSIDE), "setup.py", "--quiet", "bdist_wheel"],
        cwd=setup.parent,
        env={**os.environ, **settings},
        hint="make sure that about 4 GB of memory are free, and try MAX_JOBS=1",
    )
    (wheel,) = (setup.parent / "dist").glob("*.whl")
    shelf.mkdir(parents=True, exist_ok=True)
    part = shelf / f"{wheel.name}.{os.getpid()}.part"
    shutil.copyfile(wheel, part)
    return part.replace(shelf / wheel.name)


def source():
    """mmcv's archive, fetched from the package index once. Stops where it is not the one that is known."""
    archive = KEPT / f"{MMCV}.tar.gz"
    if not archive.exists():
        asked = subprocess.run(
            [INSIDE, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
        )
        index = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip() or "https://pypi.org/simple"
        page = index.rstrip("/") + "/mmcv/"
        try:
            with urlopen(page, timeout=60) as answer:
                link = re.search(rf'href="([^"#]*/{re.escape(MMCV)}\.tar\.gz)', answer.read().decode())
            with urlopen(urljoin(page, link[1]) if link else page, timeout=60) as answer:
                content = answer.read()
        except (URLError, OSError, ValueError) as error:
            stop(f"could not fetch {archive.name} from {page} ({error}): put it at {archive}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        archive.write_bytes(content)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != CHECKSUM:
        stop(f"{archive} is not {MMCV} as it was published: remove it, and try again")
    return archive


def mended(setup, standard):
    """mmcv's setup.py for today's Python and torch. In a function, `locals()` is a copy from Python 3.13 on."""
    for old, new in {
        "exec(compile(f.read(), version_file, 'exec'))": "exec(compile(f.read(), version_file, 'exec'), globals())",
        "return locals()['__version__']": "return globals()['__version__']",
        "std=c++17": f"std={standard}",
    }.items():
        if old not in setup:
            stop(f"setup.py of {MMCV} has no line {old!r} to mend")
        setup = setup.replace(old, new)
    return setup


def imports(name):
    return subprocess.run([INSIDE, "-c", f"import {name}"], capture_output=True, cwd=ROOT).returncode == 0


def follow(what, command, final=True, hint="", **more):
    """Run a command and say every few seconds what it is at; return whether it failed, or stop there (`final`)."""
    print(f"install: {what}", flush=True)
    log, begun, shown = [], time.monotonic(), 0.0
    pause = EVERY if sys.stdout.isatty() else 5 * EVERY
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
    with subprocess.Popen(command, **pipes, **more) as job:
        lines = queue.Queue()
        reader = threading.Thread(target=lambda: [*map(lines.put, job.stdout or ()), lines.put(None)], daemon=True)
        reader.start()
        while reader.is_alive() or not lines.empty():
            with contextlib.suppress(queue.Empty):
                log.append((lines.get(timeout=EVERY) or "").rstrip())
            if time.monotonic() - shown > pause:
                shown = time.monotonic()
                show(f"  {shown - begun:4.0f} s  {doing(log)}")
    show("")
    if job.returncode and final:
        print("\n".join(log[-40:]), file=sys.stderr)
        stop(f"{what}: this failed, see the lines above" + (f"; {hint}" if hint else ""), code=1)
    return job.returncode


def doing(log):
    """What a build or pip is at: the last of its lines that tells, without paths."""
    for line in reversed(log):
        step = re.match(r"\[(\d+)/(\d+)\]", line)
        if step:
            return f"compiled {step[1]} of {step[2]} files"
        word = re.match(r"\s*(Collecting|Downloading|Building|Preparing|Installing|Obtaining)\s+[\w.-]+", line)
        if word:
            return word[0].strip().lower().replace("installing collected", "installing packages")
    return "starting"


def show(line):
    """On a terminal one line that changes, elsewhere a line each."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="", flush=True)
    elif line:
        print(line, flush=True)


def stop(why, code=2) -> NoReturn:
    print(f"install: {why}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
