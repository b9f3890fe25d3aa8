"""Configs that mean nothing: one line that names what, the value and what to do, exit code 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

# A benchmark, or one of its strategies, and options that change it ("stage" stands for its first one); what is said of them.
PROTOCOLS = [
    ("toy benchmark=3", "the benchmark must be a dict, not 3"),
    ("toy benchmark.task=3", "task of the benchmark must be a dict, not 3"),
    ("toy benchmark.task.nois=3", "unknown setting of task 'tasks.toy.ToyTask' 'nois': did you mean 'noise'?"),
    ("toy benchmark.task.noise=loud", "noise of task 'tasks.toy.ToyTask' must be a finite number, not 'loud'"),
    ("toy benchmark.task.noise=-1", "noise must not be negative, not -1"),
    ("toy benchmark.task.device=gpu", "device of the benchmark's task is no rule: leave it out"),
    ("toy benchmark.task.type=os.system", "'os.system' is no task: give a class that derives from Task"),
    ("toy benchmark.space.type=tasks.toy.ToyTask", "is no space: give a class that derives from SearchSpace"),
    ("toy benchmark.space.layers=0", "layers must be at least 1, not 0"),
    ("toy benchmark.stages=[]", "stages are empty: give at least one"),
    ("toy benchmark.stages.0=3", "an item of stages of the benchmark must be a dict, not 3"),
    ("toy benchmark.stages.\u0661.name=q", "does not fit the config of toy: '\u0661' is no place in a list of 2"),
    ("toy benchmark.seeds.0=-5", "a seed must be from 0 to 4294967295, not -5"),
    ("toy stage.name=", "stage '': the name is empty: give it one"),
    ("toy stage.view=3", "the view of stage 'short' must be a dict, not 3"),
    ("toy stage.view.size=[0,0]", "size and eval_size must be at least 1x1 pixels, not (0, 0)"),
    ("toy stage.view.size=[1]", "size of the view of stage 'short' must have 2 items, not [1]"),
    ("toy stage.view.share=nan", "share of the view of stage 'short' must be a finite number, not 'nan'"),
    ("toy stage.view.train=train", "train of the view of stage 'short' must be a list, not 'train'"),
    ("toy stage.recipe.lr=-1", "lr must be positive, not -1"),
    ("toy stage.recipe.lr=inf", "lr of the recipe of stage 'short' must be a finite number, not 'inf'"),
    ("toy stage.recipe.batch=0", "batch at least 1, not 1 and 0"),
    ("toy stage.recipe.optimizer.type=SGD", "stage 'short': optimizer has no lr: give it one"),
    (
        "toy stage.recipe.optimizer.type=SDG stage.recipe.optimizer.lr=1",
        "stage 'short': unknown optimizer 'SDG': did you",
    ),
    (
        "toy stage.recipe.optimizer.type=SGD stage.recipe.optimizer.lr=1 stage.recipe.lr=1",
        "lr is short for what optimizer",
    ),
    ("toy stage.recipe.average.type=Mean", "stage 'short': unknown average 'Mean': choose one of Polyak, EpochPolyak"),
    ("toy stage.recipe.encoder.lr=1", "stage 'short' sets encoder, which means nothing to ToyTask"),
    ("toy stage.recipe.rate=1", "unknown entry of the recipe of stage 'short' 'rate'"),
    ("toy stage.recipe.continued=True", "stage 'short' sets continued, which the stage behind it decides"),
    ("toy stage.options=3", "options of stage 'short' must be a dict, not 3"),
    ("toy stage.options.aux=1", "unknown entry of the options of stage 'short' 'aux'"),
    ("toy benchmark.gate=3", "gate of the benchmark must be a dict, not 3"),
    ("toy benchmark.gate.decay=1", "decay must be in [0, 1) and tolerance not negative, not 1 and 0.3"),
    ("toy benchmark.gate.tolerance=x", "tolerance of gate 'benchmarks.gates.RunningMean' must be a finite number"),
    ("toy benchmark.reward.name=3", "name of reward 'tasks.rewards.Metric' must be a text, not 3"),
    ("toy benchmark.budget.seconds=5", "unknown entry of the budget of the benchmark 'seconds'"),
    ("toy-pareto-v2 benchmark.objectives=3", "objectives of the benchmark must be a dict, not 3"),
    ("toy-pareto-v2 benchmark.objectives.goals=['up','min']", "must be one of 'max', 'min', not 'up'"),
    ("toy-pareto-v2 benchmark.objectives.names=['score']", "goals must be 'max' or 'min' for each of score"),
]
TASKS = [
    ("restoration benchmark.task.data.type=ScenesImage", "unknown data set 'ScenesImage': did you mean 'ScenesImages'"),
    ("restoration benchmark.task.data.type=ScenesDetection", "ScenesDetection is no data set for RestorationTask"),
    ("restoration benchmark.task.data.gray=3", "'tasks.restoration.data.ScenesImages' must be True or False, not 3"),
    ("restoration benchmark.task.input_size=[0,0]", "input_size must be at least 1x1 pixels, not (0, 0)"),
    ("segmentation benchmark.task.data.type=ScenesImages", "ScenesImages is no data set for SegmentationTask"),
    ("depth benchmark.task.data.type=ScenesImages", "ScenesImages is no data set for DepthTask: use a DepthData"),
    ("segmentation benchmark.task.template=3", "SegmentationTask' must be a dict, not 3"),
    ("segmentation benchmark.task.template.type=FCOS", "FCOS is no model template for SegmentationTask"),
    ("segmentation benchmark.task.template.width=0", "width must be at least 1, not 0"),
    ("segmentation benchmark.task.encoder.width=0", "the encoder: width and refit_size must be positive"),
    ("segmentation benchmark.task.encoder.pretrain_epochs=-1", "pretrain_epochs not negative, not 0.25, -1"),
    ("segmentation benchmark.task.encoder.backbone.type=mmseg.ResNet", "required positional argument: 'depth'"),
    ("segmentation benchmark.space.channels=0", "channels and repeats must be at least 1, not 0 and 1"),
    ("segmentation benchmark.space.aux=None", "CellDecoder has no auxiliary classifiers: set aux to 0"),
    ("segmentation stage.options.aux=-1", "distill and aux must not be negative, not 0.0 and -1.0"),
    ("segmentation stage.view.eval=nowhere", "scenes-v1 has no split 'nowhere': use one of train, val, test"),
    ("scenes-mbconv-segmentation-v2 stage.options.cached=True stage.view.copies=1", "take `cached` away"),
    ("scenes-detection-v3 benchmark.task.data.type=ScenesImages", "ScenesImages is no data set for DetectionTask"),
    ("scenes-detection-v3 benchmark.task.template.width=10", "width of a plain FCOS must be a multiple of 4, not 10"),
    ("scenes-detection-v3 benchmark.task.template.head.bias=3", "unexpected keyword argument 'bias'"),
    ("scenes-ssdlite-v3 benchmark.space.width=0", "width must be positive, not 0"),
    ("scenes-ssdlite-v3 benchmark.task.input_size=[16,16]", "those of input_size, (16, 16): make them equal"),
    ("classification benchmark.task.template.tap=64+", "unknown tap '64+': did you mean '4+'?"),
    ("classification benchmark.task.encoder.checkpoint=docs", "docs is no answer of a run: give runs/<benchmark>"),
    ("keypoints benchmark.task.sigma=0", "sigma must be positive and at most 100 pixels of a heat map, not 0"),
]
OTHER_SPACE = "benchmark.space._delete_=True benchmark.space.type"
SLOTS = [
    (f"toy {OTHER_SPACE}=MBConv", "the space MBConv makes no network for ToyTask (KeyError: 'layers'): use another"),
    (
        f"segmentation {OTHER_SPACE}=FPNCells",
        "slot of the template EncoderDecoder 'neck': choose one of backbone, decoder",
    ),
    (
        f"scenes-detection-v3 {OTHER_SPACE}=DecoderCells",
        "slot of the template FCOS 'decoder': choose one of backbone, neck",
    ),
    (f"scenes-ssdlite-v3 {OTHER_SPACE}=HeadCells", "slot of the template SSDLite 'head': choose one of backbone"),
    (f"classification {OTHER_SPACE}=FPNCells", "slot of the template Classifier 'neck': choose one of backbone"),
    (f"restoration {OTHER_SPACE}=MBConv", "slot of RestorationTask 'backbone': choose one of network"),
    ("restoration:dncnn strategy.model.head.type=x", "slot of RestorationTask 'head': choose one of network"),
    ("restoration:dncnn strategy.model.network.type=NoNet", "NoNet is not in the mmengine::model registry"),
]
INNER = "strategy.strategy._delete_=True strategy.strategy.type"
STRATEGIES = [
    ("toy strategies.random_search=3", "a strategy is given by a dict with its type, not by 3"),
    (
        "toy strategy.type=tasks.toy.ToyTask",
        "'tasks.toy.ToyTask' is no strategy: give a class that derives from Strategy",
    ),
    ("toy strategy.type=CoDeepNEAT strategy.networks=0", "networks must be at least 1, not 0"),
    ("toy strategy.type=NEAT strategy.evolution.species=0", "population must be at least 2, species and stagnation 1"),
    ("scenes-neat-segmentation-v1 benchmark.space.width=0", "width must be positive, not 0"),
    ("scenes-neat-segmentation-v1 stage.recipe.lr=0.1", "network decides: lr is short for what optimizer says itself"),
    ("toy strategy.type=Reinforce strategy.layers=10001", "layers of the strategy random_search must be at most 10000"),
    ("toy:one_shot strategy.strategy.population=20000", "population of strategy of the strategy one_shot must be at"),
    ("toy strategy.type=NSGA2", "NSGA2 needs several objectives: give the protocol `objectives`"),
    ("toy strategy.type=Baseline", "give either a model, parts of a model config, or a genotype"),
    ("toy-pareto-v2 strategy.type=SuccessiveHalving", "give the protocol at least 2 stages"),
    ("scenes-fna-detection-v1:fna strategy.warmup=10", "warmup must be less than epochs, not 10 of 10"),
    (
        "scenes-templates-v1 strategy.type=OneShot",
        "OneShot trains a supernet: the space DecoderTemplates has no supernet",
    ),
    ("toy:darts strategy.order=3", "order must be 1 or 2 and keep 'last' or 'best', not 3 and 'last'"),
    ("toy:darts strategy.arch_lr=0", "arch_lr must be positive and arch_decay not negative, not 0 and 0.001"),
    ("toy:darts strategy.epochs=1.5", "epochs of strategy 'strategies.supernet.darts.DARTS' must be a whole number"),
    ("toy strategy.type=EDNAS", "the supernet of the space ToySpace has no kernels to learn in two branches"),
    ("toy strategy.type=EDNAS strategy.scale=0", "scale must be positive, not 0"),
    ("toy:ppo strategy.lr=nan", "lr of strategy 'strategies.ppo.PPO' must be a finite number, not 'nan'"),
    ("toy:regularized_evolution strategy.population=0", "population and tournament must be at least 1, not 0 and 5"),
    ("toy-pareto-v2:nsga2 benchmark.objectives=None", "NSGA2 needs several objectives: give the protocol `objectives`"),
    (f"toy:one_shot {INNER}=IRNAS", "OneShot has a supernet already: IRNAS cannot be its strategy"),
    (f"toy:one_shot {INNER}=SuccessiveHalving", "give the protocol at least 2 stages"),
    (f"scenes-detection-v3:progressive_ppo {INNER}=DARTS", "DARTS trains a supernet: the part 'fpn.' of the space"),
    (
        f"scenes-detection-v3:progressive_ppo {INNER}=RegularizedEvolution strategy.strategy.inherit=True",
        "no weights left to go on from, as RegularizedEvolution does: use a strategy that inherits no weights",
    ),
    (
        "nas-bench-macro-v1 strategy.type=BayesianMorphism",
        "begins with weights of earlier networks here, and TabularTask",
    ),
    (
        "nas-bench-macro-v1:regularized_evolution strategy.inherit=True",
        "and TabularTask trains none: use a strategy that",
    ),
    ("scenes-detection-v3:progressive_ppo strategy.parts.0.trials=0", "part 'fpn.' has 0 trials: give it at least 1"),
]


@pytest.mark.parametrize(("settings", "sentence"), [*PROTOCOLS, *TASKS, *SLOTS, *STRATEGIES])
def test_what_means_nothing_is_refused(tool, tmp_path: Path, settings: str, sentence: str) -> None:
    which, *options = settings.replace("stage.", "benchmark.stages.0.").split(" ")
    benchmark, _, strategy = which.partition(":")
    chosen = ("--strategy", strategy or "random_search", "--work-dir", tmp_path / "runs")
    done = tool("run_benchmark", benchmark, *chosen, "--cfg-options", *options)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert sentence in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("compare_starts", "nas-bench-macro-v1"), "TabularTask trains no network: name a benchmark whose task does"),
        (("measure_speed", "data", "nas-bench-macro-v1"), "TabularTask trains no network"),
        (("measure_speed", "growth", "nas-bench-macro-v1"), "TabularTask trains no network"),
        (("measure_speed", "operators", "toy"), "stage 'short' of toy-v2 takes no training steps"),
        (("measure_speed", "supernet", "toy"), "stage 'short' of toy-v2 takes no training steps"),
        (("measure_speed", "candidate", "nas-bench-macro-v1"), "TabularTask trains no network"),
        (("build_table", "nas-bench-macro-v1", "--out", "{folder}/x", "--check", 2), "TabularTask trains no network"),
        (("audit_proxy", "nas-bench-macro-v1", "--final", "--zero-cost"), "TabularTask trains no network"),
        (("compare_strategies", "{folder}/mine.py", "--out", "{folder}/x"), "name a tabular benchmark"),
        (("compare_strategies", "embedded", "--out", "{folder}/x"), "embedded stands for 7 benchmarks: give one of"),
        (("audit_proxy", "detection"), "give one of scenes-detection-v3, scenes-ssdlite-v3"),
        (
            ("compare_starts", "toy", "--cfg-options", "bechmark.id=x"),
            "'bechmark.id' changes nothing: write benchmark.",
        ),
        (("transfer", "SEG-0", "--to", "depth", "--cfg-options", "final.x=1"), "'final.x' changes nothing: write"),
    ],
)
def test_a_benchmark_of_the_wrong_kind_is_one_sentence(tool, tmp_path: Path, arguments: tuple, sentence: str) -> None:
    (tmp_path / "mine.py").write_text(
        "like = 'toy-v2'\nbenchmark = {'id': 'mine-v1'}\nstrategy = {'type': 'RandomSearch'}\n"
    )
    one_process = ["--workers", 1] if arguments[0] == "compare_strategies" else ["--work-dir", tmp_path / "runs"]
    done = tool(*(str(one).format(folder=tmp_path) for one in arguments), *one_process)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert sentence in done.stderr
    assert not (tmp_path / "x").exists()
