"""Search small classifiers under a limit of multiplications, and look at the trials: what was refused, what was tried.

    python examples/classification.py OUT

A gate that reads costs refuses a network before a second of training is spent. TINY makes all of it quick and worthless.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from benchmarks.catalogue import run_configs
from benchmarks.records.record import Record
from benchmarks.run import Run

LIMIT = {"benchmark.gate": {"type": "Constraint", "name": "madds", "at_most": 1_500_000}}
TINY = {
    "benchmark.id": "tiny-classification-v1",  # other rules, another id
    "benchmark.budget.trials": 3,
    "benchmark.stages.0.view.share": 0.02,
    "benchmark.stages.0.recipe.epochs": 1,
    "benchmark.final.view.share": 0.02,
    "benchmark.final.recipe.epochs": 1,
}


def main(out: Path) -> None:
    ((name, config),) = run_configs("scenes-classification-v1", ["random_search"], LIMIT | TINY)
    run = Run(config, name, seed=0, work_dir=out / "runs", device="cpu")
    run.play()

    record = Record.of(run.folder)  # what the files of a run say; nothing is executed
    for trial in record.trials:
        scores = trial.stages[-1].metrics if trial.stages else {}
        print(f"trial {trial.id}: {trial.status}, {scores.get('top1', float('nan')):.1f} top1")
    print(f"its answer has {record.result['answers'][0]['final']['metrics']['top1']:.1f} top1 on the test images")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples/classification"))
