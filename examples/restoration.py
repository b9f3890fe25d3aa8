"""Search a network that takes noise from the photographs in a folder, by rules of one's own, and restore one of them.

    python examples/restoration.py OUT

The whole protocol stands here, as it would in a config file. Its trainings are so short that little noise goes.
"""

import sys
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from benchmarks.export.answer import Found
from benchmarks.export.package import export
from benchmarks.export.predictor import Predictor
from benchmarks.run import Run


def photographs(folder: Path) -> None:
    """Pieces of an embedded photograph, dealt out to three splits. Yours are there already."""
    photograph = skimage.data.astronaut()
    for number, split in enumerate(["train", "train", "train", "val", "test"]):
        piece = photograph[96 * number : 96 * (number + 1), 160:256]
        (folder / split).mkdir(parents=True, exist_ok=True)
        Image.fromarray(piece).save(folder / split / f"{number}.png")


def protocol(folder: Path) -> dict:
    """What is searched, on what, by which stages, at which cost."""
    crops = dict(size=[48, 48], copies=8)  # eight crops of an image in an epoch
    return dict(
        id="my-photographs-v1",
        task=dict(
            type="RestorationTask",
            data=dict(type="FolderImages", root=str(folder), gray=False),
            degradation=dict(type="Noise", sigma=25.0),
            input_size=[96, 96],
        ),
        space=dict(type="RestorationCells", nodes=1, layers=1, channels=4, stem=8, in_channels=3),
        stages=[dict(name="short", view=crops, recipe=dict(epochs=1, batch=8, lr=5e-3))],
        final=dict(
            name="final",
            view=dict(train=["train", "val"], eval="test", **crops),
            recipe=dict(epochs=4, batch=8, lr=5e-3, schedule="poly"),
        ),
        reward=dict(type="Metric", name="PSNR"),
        budget=dict(trials=3),
        seeds=[0],
    )


def main(out: Path) -> None:
    photographs(out / "photographs")
    evolution = dict(type="RegularizedEvolution", population=2, tournament=2)
    config = dict(benchmark=protocol(out / "photographs"), strategy=evolution)
    run = Run(config, "evolution", seed=0, work_dir=out / "runs", device="cpu")
    run.play()

    about = export(Found.of(run.folder), out / "network", onnx=False)
    print(f"{about['params']:,.0f} parameters, {about['metrics']['PSNR']:.2f} dB on the test image")

    clean = np.asarray(Image.open(out / "photographs/test/4.png"))
    noisy = np.clip(clean + np.random.default_rng(0).normal(0, 25, clean.shape), 0, 255).round().astype(np.uint8)
    network = Predictor(out / "network", engine="torch")
    Image.fromarray(network.drawn(noisy, network(noisy))).save(out / "restored.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples/restoration"))
