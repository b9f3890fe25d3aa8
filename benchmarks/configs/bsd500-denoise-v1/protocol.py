"""bsd500-denoise-v1: cells and widths (IR-NAS) that take noise of sigma 30 from gray photographs.

Command: python tools/run_benchmark.py bsd500-denoise-v1 --cfg-options benchmark.task.data.root=DIR
DIR is the folder of BSDS500 (github.com/BIDS/BSDS500), of which only the images are read. For another sigma add
benchmark.id=bsd500-denoise50-v1 benchmark.task.degradation.sigma=50 benchmark.baselines.non_local_means.sigma=50. On processors
without matrix units trainings in bfloat16 are slow: benchmark.final.bfloat16=False there.

What came of it is in docs/denoising.md: 28.2 to 28.3 dB with 0.26 to 0.50 million parameters, each row in about 40 minutes.
"""

from search_spaces.restoration_cells import RestorationCells
from tasks.restoration.degradations import Noise
from tasks.restoration.folders import FolderImages
from tasks.restoration.task import RestorationTask
from tasks.rewards import Metric

benchmark = dict(
    id="bsd500-denoise-v1",
    task=dict(
        type=RestorationTask,
        data=dict(type=FolderImages, root="data/bsds500", splits={"some_val": "val[::25]"}),
        degradation=dict(type=Noise, sigma=30.0),
        input_size=[321, 481],
        ssim_weight=0.002,
    ),
    space=dict(type=RestorationCells, nodes=2, channels=16, stem=32, fold=2),
    final_space=dict(type=RestorationCells, nodes=2, channels=32, stem=64, fold=2),
    stages=[
        dict(
            name="short",
            eval="some_val",
            epochs=10,
            size=[48, 48],
            copies=2,
            batch=8,
            lr=3e-3,
            polyak=0.95,
            bfloat16=True,
        ),
    ],
    final=dict(
        name="final",
        train=["train", "val"],
        eval="test",
        epochs=400,
        size=[48, 48],
        batch=4,
        lr=3e-3,
        schedule="poly",
        polyak=0.999,
        bfloat16=True,
        resumable=True,
    ),
    reward=dict(type=Metric, name="PSNR"),
    budget=dict(trials=20),
    seeds=[0],
    baselines=dict(
        noisy=dict(type="Unchanged"),
        non_local_means=dict(type="NonLocalMeans", sigma=30.0),
        dncnn=dict(type="DnCNN", width=74, depth=12, fold=2, norm=True),
    ),
)
