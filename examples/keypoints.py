"""Train networks of a space by hand, without a benchmark or a strategy, and draw the joints that the better one finds.

    python examples/keypoints.py OUT

A space gives networks, a task trains, scores and draws them: what a script of one's own needs. One epoch on a tenth of the
figures makes it quick; 20 epochs on all of them are what scenes-keypoints-v1 gives its final networks.
"""

import sys
from pathlib import Path
from random import Random

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this checkout

from search_spaces.decoder_cells.space import DecoderCells
from tasks.keypoints.task import KeypointTask
from tasks.stage import Recipe, Stage, View
from tasks.weights import load

STAGE = Stage(
    "short",
    View(share=0.1, size=(96, 96), eval_size=(96, 96), scale=(0.8, 1.25)),
    Recipe(epochs=1, batch=8, lr=5e-3, encoder_lr=2e-3),  # without an encoder_lr the encoder is frozen
)


def main(out: Path) -> None:
    space = DecoderCells(channels=16)
    task = KeypointTask(
        data=dict(type="FiguresKeypoints"),  # CocoKeypoints and MpiiKeypoints read your own
        encoder=dict(width=0.25, pretrain_epochs=0),
        sigma=1.5,
        input_size=(96, 96),
        cache=str(out / "cache"),
    )
    task.prepare([STAGE])  # looks at data and settings before anything is trained

    scores = {}
    for seed in range(2):
        parts = space.model(space.sample(Random(seed)))
        cost = task.measure(parts, ["params", "madds"])
        done = task.fit(parts, STAGE, seed=0, keep=str(out / f"network{seed}.pth"))
        print(f"network {seed}: {cost['params']:,.0f} parameters, {cost['madds']:,.0f} MAdds", end=", ")
        print(f"{done.metrics['PCKh']:.1f} PCKh after {done.cost.images} images in {done.cost.seconds:.0f} s")
        scores[seed] = done.metrics["PCKh"]

    best = max(scores, key=lambda seed: scores[seed])
    parts = space.model(space.sample(Random(best)))
    network = task.deployed(task.finished(parts, load(out / f"network{best}.pth")))
    image, joints = task.samples(STAGE).scored(0)  # of the split "val"
    with torch.no_grad():
        seen = task.example(network, image, joints)
    for name, picture in seen.pictures.items():  # input, truth, answer
        Image.fromarray(picture).save(out / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/examples/keypoints"))
