"""Measure what the cached features gain: a benchmark's first stage with the cache and with the live, frozen encoder.

Both train and score the same candidates with the same seed, in turns; the fastest of --repeat runs counts. The prediction
needs no second training: MAdds counted for encoder and decoder (a training step costs three forward passes of the decoder,
and one of the frozen encoder), at the speed at which the cached stage works them off, plus reading and cropping the images,
which is timed alone. Losses must be equal: their relative difference is printed.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import torch
from command_line import Parser, refuse, run
from mmengine.config import DictAction

from benchmarks.benchmark import Benchmark, read_config, strategy_files
from benchmarks.job import build_task
from search_spaces.cost import madds
from tasks import Stage
from tasks.encoder_task import EncoderTask
from tasks.trainable import build_network


def decoding_seconds(task: EncoderTask, stage: Stage) -> float:
    """How long it takes to read and cut every picture that the stage looks at, the training ones once an epoch."""
    pictures = task.pictures(stage)
    started = time.perf_counter()
    for _ in range(stage.epochs):
        for _ in pictures.crops():
            pass
    for _ in pictures.all_scored():
        pass
    return time.perf_counter() - started


class AsTrained(torch.nn.Module):
    """A network with its auxiliary cells, which only training runs; its norms may be in eval mode."""

    def __init__(self, network: Any):
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> Any:
        for name in ("decode_head", "bbox_head"):
            if hasattr(self.network, name):
                getattr(self.network, name).training = True
        return self.network(x)


def measure(task: EncoderTask, stage: Stage, model: dict[str, Any], repeat: int) -> dict[str, Any]:
    """Predicted and measured gain of the cache for one candidate."""
    network = build_network(task.config(task.trained(model, stage)), seed=0, device="cpu")
    train_shape, eval_shape = (3, *stage.size), (3, *(stage.eval_size or stage.size))
    encoder, scored_encoder = madds(network.backbone, train_shape), madds(network.backbone, eval_shape)
    decoder = madds(AsTrained(network), train_shape) - encoder
    scored_decoder = madds(task.network(model), eval_shape) - scored_encoder
    live = replace(stage, cached=False)
    runs = [(task.fit(model, stage, seed=0), task.fit(model, live, seed=0)) for _ in range(repeat)]
    cached_seconds, live_seconds = (min(pair[k].cost.seconds for pair in runs) for k in (0, 1))
    cached, same = runs[0][0].metrics, runs[0][1].metrics
    trained = stage.epochs * len(task.features(stage, training=True)[0])
    scored = len(task.features(stage, training=False)[0])
    speed = (3 * trained * decoder + scored * scored_decoder) / cached_seconds
    skipped = (trained * encoder + scored * scored_encoder) / speed + decoding_seconds(task, stage)
    predicted = 1 + skipped / cached_seconds
    return {
        "encoder MMAdds": encoder / 1e6,
        "decoder MMAdds": decoder / 1e6,
        "cached s": cached_seconds,
        "live s": live_seconds,
        "predicted gain": predicted,
        "measured gain": live_seconds / cached_seconds,
        "measured / predicted": live_seconds / cached_seconds / predicted,
        "loss difference": abs(cached["loss"] - same["loss"]) / same["loss"],
    }


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", nargs="?", default="segmentation")
    parser.add_argument("--candidates", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="settings of the config, as a.b=c")
    options = parser.parse_args()
    try:
        path = next(strategy_files(options.benchmark))
        benchmark = Benchmark.of(read_config(path, options.cfg_options).to_dict()["benchmark"])
        stage = benchmark.stages[0]
        if not stage.cached:
            raise ValueError(
                f"the first stage of {benchmark.id} caches no features: name a benchmark whose first stage does"
            )
        local = {"cache": str(options.work_dir / "cache"), "device": "cpu"}
        task = build_task(json.dumps({**benchmark.proxy, **local}))
        assert isinstance(task, EncoderTask)  # only they have stages that cache
        task.prepare([stage])
    except (ValueError, OSError) as error:
        refuse(error)
    archs = [benchmark.space.sample(Random(number)) for number in range(options.candidates)]
    rows = [measure(task, stage, benchmark.space.model(arch), options.repeat) for arch in archs]
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))
    return 0


if __name__ == "__main__":
    run(main)
