"""scenes-metakernel-classification-v1: classifiers of meta-kernels for the objects of the scenes.

Command: python tools/run_benchmark.py scenes-metakernel-classification-v1
scenes-classification-v1 with the networks of E-DNAS (Lopez et al., ICPR 2020), which were published as classifiers.

Measured, three seeds (means of top1 after the final training): 7x7 kernels everywhere 62.9, 3x3 62.8, E-DNAS 62.6, meta-kernels
everywhere 62.5, random search 62.1, E-DNAS without feedback 61.8, DARTS 61.4 (docs/meta_kernels.md). A run takes half a minute.
"""

from search_spaces.meta_kernel.space import MetaKernels
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.darts import DARTS
from strategies.supernet.e_dnas import EDNAS

like = "scenes-classification-v1"
benchmark = {
    "id": "scenes-metakernel-classification-v1",
    "space": dict(_delete_=True, type=MetaKernels, depth=1, channels=8),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    darts=dict(type=DARTS, epochs=8, arch_lr=1e-1),
    e_dnas=dict(type=EDNAS, epochs=8, latency=1e-5, arch_lr=1e-1),
    e_dnas_without_feedback=dict(type=EDNAS, epochs=8, latency=1e-5, arch_lr=1e-1, feedback=False),
    meta=dict(type=Baseline, genotype=[["meta"], *[["meta", "meta"]] * 3]),
    sep3=dict(type=Baseline, genotype=[["sep3"], *[["sep3", "sep3"]] * 3]),
    sep5=dict(type=Baseline, genotype=[["sep5"], *[["sep5", "sep5"]] * 3]),
    sep7=dict(type=Baseline, genotype=[["sep7"], *[["sep7", "sep7"]] * 3]),
    mobilenet_v1=dict(type=Baseline, model=dict(backbone=dict(type="densebench.MobileNetV1", width=0.25))),
)
