"""Search a decoder for microscope images in Python, take the network home, and draw what it sees.

    python examples/segmentation.py OUT

What run_benchmark.py, export_model.py and predict.py do. The search is tiny, and so is what it finds: without TINY it is the
whole benchmark, minutes on one core.
"""

import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from benchmarks.catalogue import run_configs
from benchmarks.export.answer import Found
from benchmarks.export.package import export
from benchmarks.export.predictor import Predictor
from benchmarks.run import Run
from tasks.nuclei import fields

TINY = {
    "benchmark.id": "tiny-segmentation-v1",  # other rules, another id
    "benchmark.task.data.window": 96,  # the middle of the images
    "benchmark.task.encoder.pretrain_epochs": 0,
    "benchmark.budget.trials": 2,
    "benchmark.stages.0.view.share": 0.1,
    "benchmark.stages.0.view.eval_size": [96, 96],
    "benchmark.stages.0.recipe.epochs": 1,
    "benchmark.final.view.share": 0.1,
    "benchmark.final.recipe.epochs": 1,
}


def main(out: Path) -> None:
    # A benchmark has strategies, and each of them a config: rules, and who plays.
    ((name, config),) = run_configs("nuclei-segmentation-v1", ["random_search"], TINY)
    run = Run(config, name, seed=0, work_dir=out / "runs", device="cpu")
    run.play()  # searches, trains the best network, writes everything into run.folder

    # Plain torch, an MMSegmentation experiment, and what it is worth.
    about = export(Found.of(run.folder), out / "network", onnx=False)
    print(f"{about['params']:,.0f} parameters, {about['metrics']['mIoU']:.1f} mIoU on the test images")

    network = Predictor(out / "network", engine="torch")
    image = fields("test")[0].image
    seen = network(image)
    print(network.said(seen))
    Image.fromarray(network.drawn(image, seen)).save(out / "seen.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples/segmentation"))
