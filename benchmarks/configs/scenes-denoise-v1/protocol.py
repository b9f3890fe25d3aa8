"""scenes-denoise-v1: cells and widths (IR-NAS) that take noise of sigma 30 from the embedded scenes; a CPU is enough.

Command: python tools/run_benchmark.py restoration
Measured on the test images, seed 0: noisy 18.7 dB, non-local means 30.0, DnCNN 29.1, DARTS 27.7, IR-NAS 27.6, random search
27.5. The networks are tiny and their training short. A whole run takes two and a half minutes on two undisturbed cores.
"""

from search_spaces.restoration_cells import RestorationCells
from tasks.restoration.data import ScenesImages
from tasks.restoration.degradations import Noise
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

benchmark = dict(
    id="scenes-denoise-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=ScenesImages),
        degradation=dict(type=Noise, sigma=30.0),
        input_size=[128, 128],
        ssim_weight=0.02,
    ),
    space=dict(type=RestorationCells, nodes=1, layers=2, channels=4, stem=16),
    stages=[
        dict(
            name="short",
            epochs=2,
            share=0.5,
            size=[32, 32],
            copies=1,
            batch=16,
            lr=5e-3,
            polyak=0.9,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=5,
        size=[48, 48],
        batch=4,
        lr=6e-3,
        schedule="poly",
        polyak=0.99,
        resumable=True,
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=6, images=2000),
    seeds=[0],
    baselines=dict(
        noisy=dict(type="Unchanged"),
        non_local_means=dict(type="NonLocalMeans", sigma=30.0),
        dncnn=dict(type="DnCNN", width=24, depth=6),
    ),
)
