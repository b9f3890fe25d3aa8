"""bccd-netadapt-v2: MobileNetV2 under SSDLite for blood cells, narrowed from ImageNet's weights to fewer MAdds by NetAdapt.

Command:
    python tools/run_benchmark.py bccd-netadapt-v2 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

bccd-ssdlite-v2, with its DIR, FILE and final training, and the widths of the network to decide. A proposal is fine-tuned on
a quarter of the images.

Run once (seed 0, one thread, kept in benchmarks/results/photographs), mAP of the test split, parameters and MAdds: NetAdapt
43.7, 2.49 M, 360 M, random search 43.2, 1.68 M, 250 M; the network that they narrow has 45.9, 3.04 M, 429 M.
"""

from search_spaces.mbconv.widths import MBConvWidths
from strategies.netadapt import NetAdapt
from strategies.random_search import RandomSearch

like = "bccd-ssdlite-v2"
benchmark = {
    "id": "bccd-netadapt-v2",
    "space": dict(_delete_=True, type=MBConvWidths),
    "stages.0.view.share": 0.25,
    "stages.0.recipe.epochs": 1,
    "objectives": dict(names=["mAP", "madds"], goals=["max", "min"]),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    netadapt=dict(type=NetAdapt, target=0.77, delta=0.04, answers=1),
)
