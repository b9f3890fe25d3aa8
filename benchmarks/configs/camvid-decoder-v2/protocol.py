"""camvid-decoder-v2: decoders with auxiliary cells on CamVid's road scenes, with an ImageNet encoder (real images).

Command:
    python tools/run_benchmark.py camvid-decoder-v2 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR holds train, trainannot, val, ... (SegNet's version of CamVid), FILE a MobileNetV2 in torchvision's or OpenMMLab's layout.

On every fourth frame, one seed: regularised evolution 58.4 mIoU, random search 57.7, a predictor 56.1 (docs/camvid.md).
"""

from benchmarks.gates import RunningMean
from search_spaces.decoder_cells.space import DecoderCells
from strategies.baseline import Baseline
from strategies.predictor import Predictor
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import GeometricMean
from tasks.segmentation.folders import FolderSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="camvid-decoder-v2",
    task=dict(
        type=SegmentationTask,
        data=dict(type=FolderSegmentation, root="data/camvid", layout="camvid"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[360, 480],
    ),
    space=dict(type=DecoderCells, channels=48, repeats=1, aux="cell"),
    final_space=dict(type=DecoderCells, channels=64, repeats=2, aux="cell"),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[180, 240], eval_size=[180, 240], scale=[1.0, 1.5], jitter=0.2, copies=1),
            recipe=dict(epochs=3, batch=8, lr=3e-3, polyak=0.9),
            options=dict(cached=True, aux=0.15),
        ),
        dict(
            name="whole",
            view=dict(size=[180, 240], eval_size=[180, 240], scale=[1.0, 1.5], jitter=0.2),
            recipe=dict(epochs=2, batch=8, lr=3e-3, encoder_lr=5e-4, polyak=0.9),
            options=dict(aux=0.15),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[240, 320], scale=[1.0, 2.0], jitter=0.3),
        recipe=dict(
            epochs=30,
            batch=8,
            lr=3e-3,
            encoder_lr=1e-3,
            weight_decay=1e-2,
            schedule="poly",
            polyak=0.99,
            resumable=True,
        ),
        options=dict(aux=0.15),
    ),
    gate=dict(type=RunningMean, tolerance=0.4),
    reward=dict(type=GeometricMean, names=["mIoU", "fwIoU", "mAcc"]),
    budget=dict(trials=48, images=8_400),
    seeds=[0],
)
norm = dict(type="BN")
dilated = dict(  # the encoder with its last stride taken away, as in DeepLabv3
    type="mmseg.MobileNetV2",
    strides=[1, 2, 2, 2, 1, 1, 1],
    dilations=[1, 1, 1, 1, 1, 2, 2],
    out_indices=[1, 2, 4, 6],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=5, tournament=3),
    predictor=dict(type=Predictor, start=4, every=1),  # of some thirteen trials
    arch0=dict(type=Baseline, genotype=[[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]),
    fcn=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.FCNHead", channels=128, norm_cfg=norm, dropout_ratio=0.0))
    ),
    deeplab=dict(
        type=Baseline,
        model=dict(
            backbone=dilated,
            decoder=dict(type="mmseg.ASPPHead", channels=128, dilations=[1, 3, 6, 9], norm_cfg=norm, dropout_ratio=0.1),
        ),
    ),
    refinenet_lw=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.LightRefineNetHead", channels=128, dropout_ratio=0.0))
    ),
)
