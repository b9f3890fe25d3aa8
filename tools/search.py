"""A small network for your own images: check them, search, train, and take the network home, with a page that shows it all.

DIR is a folder in a layout of docs/data.md, with splits or without. Without --encoder, the encoder learns to tell the
objects of embedded pictures apart, which is little (a classifier begins with nothing): where it matters, give a MobileNetV2 of
torchvision or OpenMMLab. Clean images without degraded ones are given noise. The same command goes on where it was; how long it
takes is a plan, not a promise.
"""

from __future__ import annotations

from command_line import DEVICES, Parser, call, device, refuse, run, waiting

import json
import sys
import time
from pathlib import Path
from typing import Any

BEGAN = time.monotonic()
TASKS = ("segmentation", "detection", "restoration", "classification", "depth", "keypoints")


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--data", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--limit", metavar="COST=N", help="params=500k, madds=1G or latency=20ms (of torch, on this machine)"
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--encoder", metavar="FILE", help="weights of a MobileNetV2 (not for restoration)")
    parser.add_argument("--out", type=Path, default=Path("found"), help="the folder of the search (default: found)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    return parser


def checked(options: Any) -> Any:
    """What is asked for, with the data's config. Raises ValueError and OSError for what is wrong with it."""
    from benchmarks.own.folder import data_of
    from benchmarks.own.limit import Limit
    from benchmarks.own.plan import Wish
    from core import build
    from tasks.data import SPLITS
    from tasks.registry import DATA

    if not 1 <= options.minutes <= 100_000:
        raise ValueError(f"--minutes must be from 1 to 100,000, not {options.minutes:g}")
    if options.encoder and options.task == "restoration":
        raise ValueError("--encoder: networks that restore images have none, leave it out")
    if options.encoder and not Path(options.encoder).is_file():
        raise ValueError(f"--encoder: there is no file {options.encoder}")
    limit = Limit.of(options.limit) if options.limit else None
    with waiting("looking at the images"):
        config = data_of(options.task, options.data.resolve())
        data = build(DATA, config)
        data.check(SPLITS, SPLITS[1:])
        told = [f"{split}: {data.summary(split)}" for split in SPLITS]
    print("\n".join(told), file=sys.stderr)
    return Wish(options.task, config, options.minutes, limit, options.encoder)


def protocol(options: Any, workers: int) -> Path:
    """The file of the benchmark: the one that is there, or a new one. Raises ValueError where that is of something else."""
    from benchmarks.executors import threads_each
    from benchmarks.files import make_folder, read_json, write
    from benchmarks.own.plan import planned
    from benchmarks.running.threads import use

    path, asked = options.out / "protocol.json", options.out / "asked.json"
    wish = {name: str(value) for name, value in vars(options).items() if name not in ("out", "device")}
    before = read_json(asked)
    if before is not None and path.is_file():
        if before != wish:
            differ = next(name for name in wish if before.get(name) != wish[name])
            name = differ if differ == "task" else f"--{differ}"
            raise ValueError(f"{options.out} holds a search with another {name}: choose another --out")
        return path
    found = checked(options)
    use(threads_each(workers))  # as those have that will do the work
    with waiting("trying out how long a training takes here"):
        local = {"cache": str(options.out / "runs" / "cache"), "device": device(options.device)}
        config = planned(found, local, workers, BEGAN, lambda line: print(line, file=sys.stderr))
    make_folder(options.out, "--out")
    write(asked, json.dumps(wish, indent=2) + "\n")
    write(path, json.dumps(config, indent=2) + "\n")
    return path


def main() -> int:
    options = arguments().parse_args()
    from benchmarks.executors import trainers
    from benchmarks.files import check_name

    try:
        check_name(options.out.name, "--out")
        workers = trainers(device(options.device))
        config = protocol(options, workers)
    except (ValueError, OSError) as error:
        refuse(error)
    return finished(options, config, workers)


def finished(options: Any, config: Path, workers: int) -> int:
    """Play the search, then take its network home and draw the page."""
    tool, runs, home = Path(__file__).with_name("run_benchmark.py"), options.out / "runs", options.out / "network"
    how = ["--work-dir", runs, "--executor", "process", "--workers", workers, "--device", options.device]
    if code := call([sys.executable, tool, config, *how]):
        return code
    from benchmarks.export.about import Worth, part_of, read_about
    from benchmarks.export.answer import Found
    from benchmarks.export.package import export
    from benchmarks.leaderboard import Leaderboard
    from benchmarks.report.page import write_page

    run_folder = next(runs.glob("own-*/search/seed0"))
    try:
        if not home.exists():
            with waiting("taking the network home"):
                export(Found.of(run_folder), home, onnx=True)
        worth = part_of(read_about(home), Worth, home)
        page = options.out / "page"
        page.mkdir(exist_ok=True)
        with waiting("drawing the page"):
            board = Leaderboard.of([run_folder])
            board.write(page)
            write_page(board, page)
    except (ValueError, OSError) as error:
        refuse(error)
    shown = ", ".join(f"{name} {value:.4g}" for name, value in worth.metrics.items() if "loss" not in name)
    times = ", ".join(f"{one.median:.1f} ms by {name}" for name, one in worth.latency_ms.items())
    print(f"the network: {worth.params:,.0f} parameters, {worth.madds:,.0f} multiply-adds, {times}")
    print(f"on the split 'test', which the search has not seen: {shown}")
    print(f"{home}: for OpenMMLab, for torch alone and ONNX (see its README.md)")
    print(f"{page / 'index.html'}: how it was found; python tools/predict.py IMAGES --model {home} draws what it sees")
    return 0


if __name__ == "__main__":
    run(main)
