"""The stranger's hour: README and the first pages followed to the letter, in a fresh clone with an environment of its own.

    make stranger     # or: python tests/stranger.py [--clone DIR] [--print]

Files and commands are those of the pages' blocks of code, so that they cannot drift. Where a file goes, the sentence before its
block says. A command with DIR asks for the reader's own images and is left to the tutorial, which has some; what was done once
is not done again. The first command that fails ends it.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md",
    "docs/first_ten_minutes.md",
    "docs/tutorials/segmentation.md",
    "docs/first_strategy.md",
    "docs/first_space.md",
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`([\w./-]+\.py)`[^`]*:\s*\Z")
MADE = {  # what there must be in the end
    "runs/leaderboard/index.html": "",
    "found/network/network.onnx": "",
    "found/page/index.html": "",
    "predictions/predictions.json": '"255"',
    "runs/leaderboard/leaderboard.md": "| climbing ",
    "runs/plain-denoise-v1/random_search/seed0/study.json": "PSNR",
}


def commands(block: str) -> list[str]:
    """The commands of a block of a shell, without comments; one that goes on in the next line is one."""
    lines = [line.split(" #")[0].rstrip() for line in block.replace("\\\n", " ").splitlines()]
    return [" ".join(line.split()) for line in lines if line and not line.startswith("#")]


def steps(page: str) -> Iterator[tuple[str, str]]:
    """What a page tells its reader to do: files to write (their path, their content) and commands ("", the command)."""
    before = 0
    for block in BLOCK.finditer(page):
        language, content = block.groups()
        place = FILE.search(page, before, block.start())
        before = block.end()
        if language == "python" and place:
            yield place[1], content
        elif language in ("", "bash"):
            yield from (("", command) for command in commands(content))


def script() -> str:
    """All of it for one shell."""
    lines, done = ["set -e"], set()
    for page in PAGES:
        lines.append(f"echo '=== {page}'")
        for place, content in steps((ROOT / page).read_text()):
            if (place, content) in done or (not place and re.search(r"\bDIR\b", content)):
                continue
            done.add((place, content))
            if place:
                lines.append(f"echo; echo '{place} is written'; mkdir -p {Path(place).parent}")
                lines.append(f"cat > {place} <<'END_OF_FILE'\n{content}END_OF_FILE")
            else:
                lines.append(f'echo; echo "[$SECONDS s] $ "{quote(content)}\n{content}')
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clone", type=Path, help="where the clone goes, a folder that is not there (default: a temporary one)"
    )
    parser.add_argument("--print", action="store_true", help="print what would be done")
    options = parser.parse_args()
    if options.print:
        print(script(), end="")
        return 0
    clone = options.clone or Path(tempfile.mkdtemp(), "densebench")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    followed = subprocess.run(["bash", "-c", script()], cwd=clone, env=own)
    missing = [name for name, text in MADE.items() if not _holds(clone / name, text)]
    if followed.returncode or missing:
        print(
            f"stranger: in {clone} a command failed ({followed.returncode}), or these lack: {missing}", file=sys.stderr
        )
        return 1
    print(f"stranger: all of it works, in {clone}")
    return 0


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and (not text or text in path.read_text())


if __name__ == "__main__":
    sys.exit(main())
