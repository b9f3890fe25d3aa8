"""voc-fcos-resnet50-head-v1: voc-fcos-resnet50-v1 where only the head is searched, on a plain FPN.

Command:
    python tools/run_benchmark.py voc-fcos-resnet50-head-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=RESNET

Places, and what is published and what is ours, are those of voc-fcos-resnet50-v1, whose budget it has; there both are searched
one after the other, and at once by `joint_ppo`. `--strategy nas_fcos` trains the published head alone.
Published: a little less than with the FPN alone, without a number.
Never run as a whole.
"""

from search_spaces.head_cells.space import HeadCells
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.random_search import RandomSearch

like = "voc-fcos-resnet50-v1"
benchmark = {
    "id": "voc-fcos-resnet50-head-v1",
    "space": dict(_delete_=True, type=HeadCells, channels=128),
    "final_space": dict(_delete_=True, type=HeadCells, channels=256),
}
genotype = [0, [5, 1, 5, 0, 4, 4]]
strategies = dict(
    random_search=dict(type=RandomSearch),
    ppo=dict(type=PPO, lr=8e-4, every=20, memory=20, sample=20),
    nas_fcos=dict(type=Baseline, genotype=genotype),
    plain_fcos=dict(type=Baseline, model={}),
)
