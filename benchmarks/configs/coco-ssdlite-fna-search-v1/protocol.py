"""coco-ssdlite-fna-search-v1: coco-ssdlite-v4 with the search of Rana and Kim (J. Sensor Sci. Technol. 30(5), 2021), FNA's.

Command:
    python tools/run_benchmark.py coco-ssdlite-fna-search-v1 --device cuda --cfg-options benchmark.proxy.data.data.root=COCO \\
        benchmark.task.data.root=COCO benchmark.proxy.encoder.checkpoint=FILE benchmark.task.encoder.checkpoint=FILE

Every stage has all of its layers, as in their figure 4. The supernet learns as they say (`network_adaptation_search` in
benchmarks/configs/recipes.py: 24 epochs, the architecture from the 20th on), on 115,000 images of train2017 in two halves;
2,000 others are scored. A candidate of random search learns by the same recipe for an epoch; the budget is about what the
supernet passes. The final training is that of coco-ssdlite-v4, as theirs is not printed.

Never run: it wants the data, and a GPU. Published: 76 hours of search on a TITAN Xp, 25.3 mAP, 4.6 M parameters, 1 B MAdds.
"""

from mmengine.config import read_base

from search_spaces.mbconv.space import RANA_KIM
from strategies.baseline import Baseline
from strategies.random_search import RandomSearch
from strategies.supernet.fna import FNA

with read_base():
    from ..recipes import network_adaptation_search

like = "coco-ssdlite-v4"
benchmark = {
    "id": "coco-ssdlite-fna-search-v1",
    "proxy.data.images": 115_000,
    "space.skip": False,
    "stages.0.recipe": dict(network_adaptation_search, _delete_=True, epochs=1),
    "budget.images": 1_800_000,
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    fna=dict(
        type=FNA,
        epochs=24,
        warmup=20,
        every=1,
        cost_weight=0.2,
        cost_base=10.0,
        arch_lr=3e-4,
        arch_decay=1e-3,
        answers=1,
    ),
    rana_kim=dict(type=Baseline, model=dict(backbone=dict(type="densebench.MBConvNet", stages=RANA_KIM))),
)
