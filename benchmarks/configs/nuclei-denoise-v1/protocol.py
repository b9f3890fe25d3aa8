"""nuclei-denoise-v1: a cell and widths (IR-NAS) that take noise of sigma 50 from microscope images; a CPU is enough.

Command: python tools/run_benchmark.py nuclei-denoise-v1
All trials of a study train with one seed. A candidate takes 10 s and a final training 30 s of one of two cores that are both
busy; the budget is that of nineteen candidates.

By tools/audit_proxy.py nuclei-denoise-v1 --final, 20 random networks with three seeds: 99 % (95 % interval: 49 to 100) of the
variance of the search's PSNR are due to the network. That is for one whose cell puts out zeros, at 16 dB; of the other 19,
which lie between 26.9 and 28.6 dB, it is 60 % (42 to 73). Kendall's tau-b is 0.56 (0.40 to 0.72) between two seeds and 0.57
(0.24 to 0.81) between the search's mean of three and one final training, 0.52 (0.17 to 0.78) without that network, by single
seeds 0.40 to 0.53; MAdds have 0.50 (0.19 to 0.72). The best of the search's first three is the best of all there.

Three seeds of six strategies (benchmarks/results/embedded) cannot be told apart: predictor 30.8 dB, evolution and random
search 30.6, IR-NAS 30.5, one_shot 30.4, DARTS 30.3; IR-NAS and DARTS for an eighth of the images.
"""

from search_spaces.restoration_cells.space import RestorationCells
from strategies.baseline import Baseline
from strategies.ppo import PPO
from strategies.predictor import Predictor
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.supernet.darts import DARTS
from strategies.supernet.ir_nas import IRNAS
from strategies.supernet.one_shot import OneShot

like = "micro-restoration-v2"
benchmark = {
    "id": "nuclei-denoise-v1",
    "space": dict(_delete_=True, type=RestorationCells, nodes=1, layers=3, channels=4, shared=True, stem=12),
    "stages.0.recipe.batch": 4,
    "stages.0.recipe.lr": 7e-3,
    "budget": dict(trials=100, images=45_000),
}
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=8, tournament=3),
    predictor=dict(type=Predictor),
    ppo=dict(type=PPO, hidden=32, layers=1, lr=1e-2, memory=5, every=5, sample=5, steps=5),
    one_shot=dict(
        type=OneShot, epochs=40, candidates=18, strategy=dict(type=RegularizedEvolution, population=6, tournament=2)
    ),
    darts=dict(type=DARTS, epochs=8, arch_lr=3e-2, arch_decay=0.0),
    ir_nas=dict(type=IRNAS, epochs=8, warmup=2, arch_lr=3e-2, arch_decay=0.0),
    noisy=dict(type=Baseline, model=dict(network=dict(type="Unchanged"))),
    non_local_means=dict(type=Baseline, model=dict(network=dict(type="NonLocalMeans", sigma=50.0))),
    dncnn=dict(type=Baseline, model=dict(network=dict(type="DnCNN", width=24, depth=6))),
)
