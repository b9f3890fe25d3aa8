"""voc-fcos-resnet50-fpn-v1: voc-fcos-resnet50-v1 where only the FPN is searched, under a plain head.

Command:
    python tools/run_benchmark.py voc-fcos-resnet50-fpn-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=RESNET

Places, and what is published and what is ours, are those of voc-fcos-resnet50-v1, whose budget it has; there both are searched
one after the other, and at once by `joint_ppo`. `--strategy nas_fcos` trains the published FPN alone.
Published: 38.9 AP on test-dev (39.8 with the head, too; a plain FPN with deformable convolutions: 38.4).
Never run as a whole.
"""

from search_spaces.fpn_cells.space import FPNCells
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.random_search import RandomSearch

like = "voc-fcos-resnet50-v1"
benchmark = {
    "id": "voc-fcos-resnet50-fpn-v1",
    "space": dict(_delete_=True, type=FPNCells, channels=128),
    "final_space": dict(_delete_=True, type=FPNCells, channels=256),
}
genotype = [
    [3, 3, 4, 4, 1],
    [3, 3, 4, 4, 1],
    [4, 3, 4, 3, 1],
    [1, 3, 4, 3, 1],
    [5, 3, 4, 4, 1],
    [4, 7, 4, 4, 1],
    [7, 2, 4, 4, 1],
]
strategies = dict(
    random_search=dict(type=RandomSearch),
    ppo=dict(type=PPO, lr=8e-4, every=20, memory=20, sample=20),
    nas_fcos=dict(type=Baseline, genotype=genotype),
    plain_fcos=dict(type=Baseline, model={}),
)
