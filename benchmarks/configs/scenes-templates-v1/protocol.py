"""scenes-templates-v1: very small segmentation networks of repeated templates within a limit on parameters, on the scenes.

Command: python tools/run_benchmark.py scenes-templates-v1
Measured, seed 0: random search 40.3 mIoU (35,159 parameters), regularised evolution 34.3, NSGA-II 31.5, a minute to a minute
and a half each on one core. The encoder has the maps at 1/4 and 1/8 alone, 20,000 parameters. A network beyond the limit is
refused before it trains: of what random search proposes three quarters, of what evolution and NSGA-II do half: they vary what
was within it. The second objective is MAdds: latency is what counts where a network runs, but differs from run to run
(camvid-templates-v1 has it).
"""

from benchmarks.gates import Constraint
from search_spaces.decoder_templates.space import DecoderTemplates
from strategies.nsga2 import NSGA2
from strategies.random_search import RandomSearch
from strategies.regularized_evolution import RegularizedEvolution
from tasks.rewards import GeometricMean
from tasks.segmentation.data import ScenesSegmentation
from tasks.segmentation.task import SegmentationTask

benchmark = dict(
    id="scenes-templates-v1",
    task=dict(
        type=SegmentationTask,
        template=dict(type="EncoderDecoder", taps=["4", "8"]),
        data=dict(type=ScenesSegmentation),
        encoder=dict(width=0.5, pretrain_epochs=8),
        input_size=[128, 128],
    ),
    space=dict(type=DecoderTemplates, channels=16, repeats=1),
    stages=[
        dict(
            name="decoder",
            view=dict(share=0.5, size=[96, 96], eval_size=[128, 128], scale=[1.33, 1.6], copies=1),
            recipe=dict(epochs=3, batch=16, lr=5e-3, polyak=0.9),
            options=dict(cached=True, loss_at="scores"),
        ),
    ],
    final=dict(
        name="final",
        view=dict(train=["train", "val"], eval="test", size=[96, 96], scale=[1.2, 1.8], jitter=0.2),
        recipe=dict(epochs=4, batch=16, lr=5e-3, encoder_lr=2e-3, schedule="poly", polyak=0.99, resumable=True),
        options=dict(loss_at="scores"),
    ),
    gate=dict(type=Constraint, name="params", at_most=60_000),
    reward=dict(type=GeometricMean, names=["mIoU", "fwIoU", "mAcc"]),
    objectives=dict(names=["mIoU", "madds"], goals=["max", "min"]),
    budget=dict(trials=100, images=5_120),
    seeds=[0],
)
strategies = dict(
    random_search=dict(type=RandomSearch),
    regularized_evolution=dict(type=RegularizedEvolution, population=3, tournament=2),
    nsga2=dict(type=NSGA2, population=3),
)
