"""voc-decoder-v1: decoders with auxiliary cells as Nekrasov et al. searched them on Pascal VOC (CVPR 2019).

Command:
    python tools/run_benchmark.py voc-decoder-v1 --device cuda --cfg-options benchmark.task.data.root=VOC2012 \\
        benchmark.task.encoder.checkpoint=FILE benchmark.task.teacher.weights=TEACHER

VOC2012 is the folder that holds JPEGImages, SegmentationClass (with the masks of SBD added: SegmentationClassAug of others) and
ImageSets/Segmentation with the list val and two lists made of the 10,582 names of trainaug, shuffled: 9,523 are `train`, 1,059
`metaval`. FILE is a MobileNetV2 in torchvision's or OpenMMLab's layout, TEACHER the weights of a light RefineNet with
ResNet-152 in MMSegmentation's names.

Published: crops, batches, optimisers, averages, distillation and auxiliary loss (`cvpr19_decoder` and `cvpr19_whole` in
benchmarks/configs/recipes.py), labels at the size of the decoder's scores, 4,000 crops with computed features, the gate, the
reward without the background, PPO with its 100 steps after every candidate, and networks of 64 channels. The budget is that of
2,000 candidates. The encoder there had learnt VOC in a light RefineNet before. The final training was not published; it is
ours. Never run: it wants a GPU for days.
"""

from mmengine.config import read_base

from benchmarks.gates import RunningMean
from search_spaces.decoder_cells.space import DecoderCells
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.random_search import RandomSearch
from tasks.rewards import GeometricMean
from tasks.segmentation.folders import FolderSegmentation
from tasks.segmentation.task import SegmentationTask

with read_base():
    from ..recipes import cvpr19_decoder, cvpr19_whole

benchmark = dict(
    id="voc-decoder-v1",
    task=dict(
        type=SegmentationTask,
        data=dict(type=FolderSegmentation, root="data/VOC2012", layout="voc"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", expanded=True),
        teacher=dict(
            model=dict(
                backbone=dict(type="mmseg.ResNet", depth=152, out_indices=[0, 1, 2, 3]),
                decoder=dict(type="mmseg.LightRefineNetHead", channels=256),
            ),
            weights="data/refinenet_lw_152.pth",
        ),
        background="background",
        features_dtype="float16",
    ),
    space=dict(type=DecoderCells, channels=48, repeats=1, aux="cell"),
    final_space=dict(type=DecoderCells, channels=64, repeats=2, aux="cell"),
    stages=[
        dict(
            name="decoder",
            view=dict(eval="metaval", share=0.42, size=[256, 256], eval_size=[400, 400], scale=[0.7, 1.4], copies=1),
            recipe=cvpr19_decoder,
            options=dict(cached=True, aux=0.15, distill=0.3, loss_at="scores"),
        ),
        dict(
            name="whole",
            view=dict(eval="metaval", size=[350, 350], eval_size=[400, 400], scale=[0.7, 1.4]),
            recipe=cvpr19_whole,
            options=dict(aux=0.15, loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "metaval"], eval="val", size=[448, 448], scale=[0.5, 2.0], jitter=0.3),
        recipe=dict(
            epochs=60,
            batch=16,
            optimizer=dict(type="Adam", lr=3e-3, weight_decay=1e-5),
            encoder=dict(type="SGD", lr=1e-3, momentum=0.9, weight_decay=1e-5),
            schedule="poly",
            polyak=0.999,
            resumable=True,
        ),
        options=dict(aux=0.15),
    ),
    gate=dict(type=RunningMean),
    reward=dict(type=GeometricMean, names=["foreground_mIoU", "foreground_fwIoU", "foreground_mAcc"]),
    budget=dict(trials=8_000, images=63_000_000),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    ppo=dict(type=PPO),
    arch0=dict(type=Baseline, genotype=[[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]),
    arch1=dict(type=Baseline, genotype=[[2, [1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]]]),
    arch2=dict(type=Baseline, genotype=[[5, [0, 0, 4, 1], [3, 2, 0, 1], [5, 6, 5, 0]], [[1, 3], [4, 3], [2, 2]]]),
)
