"""Compare a search for FPN and head with a detector that nobody searched, and print the leaderboard.

    python examples/detection.py OUT

Two rows under the same rules. TINY makes it quick and worthless; without it, it is the whole benchmark.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from benchmarks.catalogue import run_configs
from benchmarks.leaderboard import Leaderboard
from benchmarks.run import Run

TINY = {
    "benchmark.id": "tiny-detection-v1",  # other rules, another id
    "benchmark.task.encoder.pretrain_epochs": 0,
    "benchmark.budget.trials": 1,
    "benchmark.stages.0.view.share": 0.05,
    "benchmark.stages.0.view.copies": 1,
    "benchmark.stages.0.view.eval_size": [96, 96],
    "benchmark.stages.0.recipe.epochs": 1,
    "benchmark.final.view.share": 0.05,
    "benchmark.final.view.copies": 1,
    "benchmark.final.view.eval_size": [96, 96],
    "benchmark.final.recipe.epochs": 1,
}


def main(out: Path) -> None:
    folders = []
    for name, config in run_configs("nuclei-detection-v2", ["random_search", "plain_fcos"], TINY):
        run = Run(config, name, seed=0, work_dir=out / "runs", device="cpu")
        run.play()
        folders.append(run.folder)

    board = Leaderboard.of(folders)  # from the ledgers alone
    print(board.markdown())
    for row in board.rows:
        print(row["strategy"], row["mAP"]["mean"])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples/detection"))
