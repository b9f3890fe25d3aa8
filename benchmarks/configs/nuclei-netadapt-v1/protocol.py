"""nuclei-netadapt-v1: a narrow MobileNetV2 under SSDLite on crowded nuclei, narrowed to fewer MAdds by NetAdapt.

Command: python tools/run_benchmark.py nuclei-netadapt-v1
nuclei-ssdlite-v1 with the widths of its network to decide. A proposal is fine-tuned on a quarter of the windows.

Run with three seeds (one thread, kept in benchmarks/results/embedded), mAP of the test windows, parameters and MAdds:
NetAdapt 12.5, 9.5, 13.0, 0.88 M, 34.1 M; random search 13.7, 4.5, 6.1, 0.88 M, 30.9 M; the network that it narrows has 12.2,
12.7, 12.7, 1.01 M, 44.0 M. Nothing is beyond chance. A run is some seven minutes of a core.
"""

from search_spaces.mbconv.widths import MBConvWidths
from strategies.netadapt import NetAdapt
from strategies.random_search import RandomSearch

like = "nuclei-ssdlite-v1"
benchmark = {
    "id": "nuclei-netadapt-v1",
    "space": dict(_delete_=True, type=MBConvWidths, width=0.25),
    "stages.0.view.share": 0.25,
    "stages.0.recipe.epochs": 1,
    "objectives": dict(names=["mAP", "madds"], goals=["max", "min"]),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    netadapt=dict(type=NetAdapt, target=0.7, delta=0.02, answers=2),
)
