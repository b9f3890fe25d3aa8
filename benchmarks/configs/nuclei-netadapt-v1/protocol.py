"""nuclei-netadapt-v1: a narrow MobileNetV2 under SSDLite on crowded nuclei, narrowed to fewer MAdds by NetAdapt.

Command: python tools/run_benchmark.py nuclei-netadapt-v1
nuclei-ssdlite-v1 with the widths of its network to decide. A proposal is fine-tuned on a quarter of the windows.

Not run yet.
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
