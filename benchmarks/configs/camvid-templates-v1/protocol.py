"""camvid-templates-v1: segmentation networks below 500,000 parameters of repeated templates, on CamVid (WACV 2020's setting).

Command:
    python tools/run_benchmark.py camvid-templates-v1 --device cuda --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

DIR holds train, trainannot, val, ... (SegNet's version of CamVid), FILE a MobileNetV2 in torchvision's or OpenMMLab's layout,
of which the first three stages are used: 55,488 parameters (the authors' one has a convolution more: 56,576).

Published (Nekrasov et al., WACV 2020): the space, 1,000 crops with computed features (here three of each image), batches and
optimisers (`wacv20_decoder` and `wacv20_whole` in benchmarks/configs/recipes.py), the gate, the reward of all classes, PPO, and
networks of 64 channels. Theirs were searched on CityScapes, and trained on CamVid then. The limit refuses a network before it
trains; latency, the second objective, is that of the machine that runs this. The budget is that of 1,000 candidates. The final
training was not published; it is ours. Never run: it wants a GPU for a day.
"""

from mmengine.config import read_base

from benchmarks.gates import AllOf
from search_spaces.decoder_templates.space import DecoderTemplates
from strategies.baseline import Baseline
from strategies.nsga2 import NSGA2
from strategies.ppo import PPO
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import GeometricMean
from tasks.segmentation.folders import FolderSegmentation
from tasks.segmentation.task import SegmentationTask

with read_base():
    from ..recipes import wacv20_decoder, wacv20_whole

benchmark = dict(
    id="camvid-templates-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", taps=["4", "8"]),
        data=dict(type=FolderSegmentation, root="data/camvid", layout="camvid"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", refit_norms=True, refit_size=[360, 480]),
        input_size=[360, 480],
    ),
    space=dict(type=DecoderTemplates, channels=48, repeats=1),
    final_space=dict(type=DecoderTemplates, channels=64, repeats=2),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[320, 320], eval_size=[360, 480], scale=[1.0, 1.4], copies=3),
            recipe=wacv20_decoder,
            options=dict(cached=True),
        ),
        dict(
            name="whole",
            view=dict(size=[320, 320], eval_size=[360, 480], scale=[1.0, 1.4]),
            recipe=wacv20_whole,
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[320, 320], scale=[1.0, 2.0], jitter=0.3),
        recipe=dict(
            epochs=200,
            batch=16,
            optimizer=dict(type="Adam", lr=2e-3, weight_decay=1e-5),
            encoder=dict(lr=5e-4),
            schedule="poly",
            polyak=0.999,
            resumable=True,
        ),
    ),
    gate=dict(type=AllOf, gates=[dict(type="Constraint", name="params", at_most=500_000), dict(type="RunningMean")]),
    reward=dict(type=GeometricMean, names=["mIoU", "fwIoU", "mAcc"]),
    objectives=dict(names=["mIoU", "latency_ms"], goals=["max", "min"]),
    budget=dict(trials=4_000, images=7_500_000),
    seeds=[0],
)
# The published networks, 44 numbers in a row.
arch0 = [int(digit) for digit in "30141131101001212103111011200302005321005010"]
arch1 = [int(digit) for digit in "11013034011000011113123030220012002113040220"]
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=50, tournament=12),
    nsga2=dict(type=NSGA2, population=50),
    ppo=dict(type=PPO),
    arch0=dict(type=Baseline, genotype=arch0),
    arch1=dict(type=Baseline, genotype=arch1),
)
