"""nuclei-ssdlite-v1: FNA on a narrow MobileNetV2 under SSDLite, for crowded nuclei; no download, a CPU is enough.

Command: python tools/run_benchmark.py nuclei-ssdlite-v1
Images are windows of 128 pixels, enlarged to 192, as in nuclei-detection-v2. The encoder that the supernet and every candidate
begin with knows the embedded scenes.

Measured, three seeds (mAP after the final training, M MAdds): MobileNetV2 as it is 12.5, 44.0; random search 13.1, 44.7; FNA
11.0, 39.6, of which one seed has 6.5. No difference is beyond chance. A candidate has 0.1 mAP after its two epochs, so that
random search picks by chance.
"""

from search_spaces.mbconv.space import MBConv
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.fna import FNA

like = "nuclei-detection-v2"
crops = dict(size=[192, 192], eval_size=[192, 192], scale=[1.2, 1.8])
benchmark = {
    "id": "nuclei-ssdlite-v1",
    "task.template": dict(_delete_=True, type="SSDLite"),
    "space": dict(_delete_=True, type=MBConv, width=0.25, layers=[2, 3, 4, 3, 3, 1], wide=[4]),
    "stages.0.name": "short",
    "stages.0.view": dict(_delete_=True, **crops),
    "stages.0.recipe": dict(_delete_=True, epochs=2, batch=8, lr=4e-3, polyak=0.9),
    "stages.0.options": dict(_delete_=True),
    "final.view": dict(**crops, copies=4),
    "budget.images": 4_000,
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    fna=dict(type=FNA, epochs=24, warmup=15, cost_weight=0.15, arch_lr=1e-2),
    mobilenet_v2=dict(
        type=Baseline,
        genotype=[["k3e6"] * 2, ["k3e6"] * 3, ["k3e6"] * 4, ["k3e6"] * 3, ["k3e6"] * 3, ["k3e6"]],
    ),
)
