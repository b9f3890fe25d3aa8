"""scenes-metakernel-detection-v1: backbones of meta-kernels under RetinaNet, on the embedded scenes.

Command: python tools/run_benchmark.py scenes-metakernel-detection-v1
scenes-ssdlite-v3 under another template: SSDLite reads what inverted residuals expand to, which meta-kernels do not.

Not run yet.
"""

from search_spaces.meta_kernel.space import MetaKernels
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.e_dnas import EDNAS

like = "scenes-ssdlite-v3"
benchmark = {
    "id": "scenes-metakernel-detection-v1",
    "task.template": dict(_delete_=True, type="RetinaNet", width=32),
    "task.encoder.pretrain_epochs": 0,
    "space": dict(_delete_=True, type=MetaKernels, depth=1, channels=8),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    e_dnas=dict(type=EDNAS, epochs=6, latency=1e-5, arch_lr=1e-1),
    meta=dict(type=Baseline, genotype=[["meta"], *[["meta", "meta"]] * 3]),
    sep3=dict(type=Baseline, genotype=[["sep3"], *[["sep3", "sep3"]] * 3]),
)
