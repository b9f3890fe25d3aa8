"""Take a decoder that was searched for segmentation, train it for depth beside one that nobody searched, and compare them.

    python examples/depth.py OUT

What transfer.py does. arch0 of Nekrasov et al. was searched for Pascal VOC; a benchmark says how wide it is here, and how all
networks are trained. TINY makes it quick and worthless; without it, it is the benchmark's own final training.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from benchmarks.leaderboard import Leaderboard
from benchmarks.run import Run
from benchmarks.running.transfer import found, transferred

TINY = {
    "benchmark.id": "tiny-depth-v1",  # other rules, another id
    "benchmark.task.encoder.pretrain_epochs": 0,
    "benchmark.final.view.share": 0.05,
    "benchmark.final.view.eval_size": [64, 64],
    "benchmark.final.recipe.epochs": 1,
}


def main(out: Path) -> None:
    searched = list(found("SEG-0", anew=True))  # or the folder of a run of yours
    protocol = transferred(searched, "scenes-depth-v1", TINY)
    folders = []
    for name in ("SEG-0", "fcn"):
        config = dict(benchmark=protocol["benchmark"], strategy=protocol["strategies"][name])
        run = Run(config, name, seed=0, work_dir=out / "runs", device="cpu")
        run.play()
        folders.append(run.folder)

    board = Leaderboard.of(folders)  # from the ledgers alone
    print(board.markdown())
    for row in board.rows:
        print(f"{row['strategy']}: {row['RMSE']['mean']:.2f} m off, {row['params']['mean']:,.0f} parameters")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples/depth"))
