"""nuclei-segmentation-v1: decoders that find nuclei and their borders on real microscope images; no download, a CPU is enough.

Command: python tools/run_benchmark.py nuclei-segmentation-v1
Measured, seed 0: random search 59.3 mIoU, and networks that nobody searched: a light RefineNet 56.9, FCN 28.8 (the coarsest map
alone finds no nucleus). Random search takes 77 s and 34 s for the final training, on one core of two that are shared.

Three seeds of ten strategies: benchmarks/results/embedded. PPO learns four times in 20 trials. Shared weights see background
alone in nearly all networks, after 30 epochs and after 80 (docs/audits.md). Progressive shrinking has 31.6 mIoU, as a final
training that begins with them is worse than one that begins anew. The three best of one random search (`three_best`, seed 0:
49.8, 48.0 and 47.2 in the search) have 59.3, 52.8 and 57.4 after their final trainings.

By tools/audit_proxy.py nuclei-segmentation-v1 --final, 20 random decoders with three seeds: 80 % (95 % interval: 61 to 90) of
the variance of the search's mIoU are due to the decoder, Kendall's tau-b is 0.54 (0.36 to 0.72) between two seeds and 0.51
(0.25 to 0.73) between the search and one final training, and the best of the search's first three lacks 0.6 mIoU there.
Stage and reward were chosen among a few by these same decoders, which flatters both figures; no other decoders were audited.

Images have three sizes: the search scores them at one, for cached features, the final training at their own. The encoder that
knows the scenes does about as well as one that has learnt to label the nuclei of the training split: 42.6 and 43.7 mIoU, means
of five decoders and two seeds, by a stage much like the search's.
"""

from search_spaces.decoder_cells.space import DecoderCells
from strategies.baseline import Baseline
from strategies.optuna_sampler import OptunaSampler
from strategies.ppo import PPO
from strategies.predictor import Predictor
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from strategies.reinforce import Reinforce
from strategies.shortlist import Shortlist
from strategies.supernet.darts import DARTS
from strategies.supernet.enas import ENAS
from strategies.supernet.one_shot import OneShot
from strategies.supernet.progressive_shrinking import ProgressiveShrinking
from tasks.rewards import Metric
from tasks.segmentation.data import NucleiSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="nuclei-segmentation-v1",
    task=dict(
        type=SegmentationTask,
        data=dict(type=NucleiSegmentation),
        encoder=dict(width=0.25, pretrain_epochs=8),
        input_size=[256, 256],
        background="background",
    ),
    space=dict(type=DecoderCells, channels=16, repeats=1, aux=None),
    stages=[
        dict(
            name="decoder",
            view=dict(size=[64, 64], eval_size=[256, 256], scale=[3.6, 5.1], copies=1),
            recipe=dict(epochs=12, batch=8, lr=1e-2, polyak=0.9),
            options=dict(cached=True, loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[96, 96], scale=[2.4, 3.4], jitter=0.2),
        recipe=dict(epochs=20, batch=8, lr=1e-2, encoder_lr=3e-3, schedule="poly", polyak=0.99, resumable=True),
        options=dict(loss_at="scores"),
    ),
    reward=dict(type=Metric, name="mIoU"),
    budget=dict(trials=100, images=19_300),
    seeds=[0],
)
norm = dict(type="BN")
dilated = dict(  # the encoder with its last stride taken away, as in DeepLabv3
    type="mmseg.MobileNetV2",
    widen_factor=0.25,
    strides=[1, 2, 2, 2, 1, 1, 1],
    dilations=[1, 1, 1, 1, 1, 2, 2],
    out_indices=[1, 2, 4, 6],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=8, tournament=3),
    one_shot=dict(
        type=OneShot, epochs=30, candidates=18, strategy=dict(type=RegularizedEvolution, population=6, tournament=2)
    ),
    darts=dict(type=DARTS, epochs=15, arch_lr=1e-1),
    enas=dict(type=ENAS, epochs=30, candidates=18, lr=1e-2),
    one_shot_long=dict(
        type=OneShot, epochs=80, candidates=18, strategy=dict(type=RegularizedEvolution, population=6, tournament=2)
    ),
    enas_long=dict(type=ENAS, epochs=80, candidates=18, lr=1e-2),
    progressive_shrinking=dict(type=ProgressiveShrinking, epochs=30, candidates=18, answers=1),
    ppo=dict(type=PPO, hidden=32, layers=1, lr=1e-2, memory=5, every=5, sample=5, steps=5),
    reinforce=dict(type=Reinforce, lr=3e-2, networks=4),
    predictor=dict(type=Predictor),
    three_best=dict(type=Shortlist, strategy=dict(type=RandomSearch), count=3),
    optuna_tpe=dict(type=OptunaSampler, sampler="TPESampler", settings=dict(multivariate=True)),
    fcn=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.FCNHead", channels=32, norm_cfg=norm, dropout_ratio=0.0))
    ),
    deeplab=dict(
        type=Baseline,
        model=dict(
            backbone=dilated,
            decoder=dict(type="mmseg.ASPPHead", channels=32, dilations=[1, 2, 4], norm_cfg=norm, dropout_ratio=0.0),
        ),
    ),
    refinenet_lw=dict(
        type=Baseline, model=dict(decoder=dict(type="mmseg.LightRefineNetHead", channels=32, dropout_ratio=0.0))
    ),
)
