"""camvid-netadapt-v1: MobileNetV2 under a plain decoder for CamVid, narrowed from ImageNet's weights by NetAdapt.

Command:
    python tools/run_benchmark.py camvid-netadapt-v1 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

camvid-mbconv-v1, with its DIR, FILE, budget and final training, and the widths of the network to decide. A proposal is
fine-tuned for one epoch.

Run once (seed 0, one thread, kept in benchmarks/results/photographs), mIoU of the test split, parameters and MAdds: NetAdapt
52.1, 1.29 M, 1,096 M, where its budget ends; random search 46.2, 0.73 M, 752 M. The network that it narrows has 49.7, 1.86 M,
1,198 M.
"""

from search_spaces.mbconv.widths import MBConvWidths
from strategies.netadapt import NetAdapt
from strategies.random_search import RandomSearch

like = "camvid-mbconv-v1"
benchmark = {
    "id": "camvid-netadapt-v1",
    "space": dict(_delete_=True, type=MBConvWidths),
    "stages.0.recipe.epochs": 1,
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    netadapt=dict(type=NetAdapt, target=0.77, delta=0.04, answers=1),
)
