"""Which cheap signals tell a benchmark's architectures apart? Some networks, each trained in every way that the protocol has.

They are random ones, or, with --run, those that a run has rated: a proxy's, whose search space is the same, or a supernet's,
whose ratings are of shared weights. Each is trained by the search's stages with several seeds and, with --final, finally.

Told are the share of the reward's variance that is due to the architecture (the rest is due to the seed) and Kendall's tau-b
between seeds; with --final, how every signal agrees with the final training: rewards and metrics of the search, what the run
knew, each the mean over its seeds, and, with --zero-cost, scores of untrained networks (snip, nwot, jacov, parameters, MAdds).
Regret is what the best of the three networks that a signal ranks first lacks of the best of all; a gate's false kills are those
of the best quarter. In brackets: 95 % intervals, of a bootstrap over networks.

With --beside, the work folder of the same command on another machine, or with other threads, told is also how far scores move
from there to here, as a share of the standard deviation between networks.

Scores are written to WORK_DIR/audits/BENCHMARK.jsonl as they come; the same command, also with more networks or seeds, goes on.
"""

from __future__ import annotations

from command_line import DEVICES, Parser, Settings, device, refuse, run

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from benchmarks.analysis.audit import Audit, audited
from benchmarks.analysis.machines import LIMIT, Moved, moved
from benchmarks.analysis.ranking import LEAST, REWARD, Estimate
from benchmarks.analysis.scoring import (
    USUAL,
    Figures,
    Part,
    Place,
    Score,
    Scores,
    found_by,
    measure,
    read_scores,
    sampled,
)
from benchmarks.catalogue import read_protocol
from benchmarks.executors import open_trainers, trainers
from benchmarks.files import make_folder
from benchmarks.records.record import Record
from benchmarks.run import Run
from benchmarks.running.job import build_trainable
from search_spaces import Architecture

SHARE, TAU = 0.7, 0.5  # below these a search sees seeds rather than architectures, and ranks them by chance


def scored(one: Run, networks: Sequence[Architecture], options: Namespace) -> list[Score]:
    """The scores that are asked for, measured where they are not known."""
    name = (
        one.benchmark.id if options.run is None else f"{one.benchmark.id}-{'-'.join(options.run.resolve().parts[-3:])}"
    )
    scores = Scores(options.work_dir / "audits" / f"{name}.jsonl", one)
    runs: dict[Part, int] = {"start": options.zero_cost, "search": options.seeds, "final": options.final}
    places = sorted(
        Place(number, seed, part) for number in range(len(networks)) for part in runs for seed in range(runs[part])
    )
    known = scores.known
    missing = [place for place in places if place not in known]
    with (
        scores,
        open_trainers(options.workers) as executor,
        tqdm(total=len(missing), desc=one.benchmark.id, file=sys.stderr) as bar,
    ):
        for score in measure(one, scores, networks, missing, executor, options.workers):
            bar.update()
            if score.error:
                bar.write(f"network {score.architecture}, seed {score.seed}: {score.error}", file=sys.stderr)
    known = scores.known
    return [known[place] for place in places]


def shown(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "none"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def markdown(one: Run, result: Audit, machines: Sequence[Moved]) -> str:
    failed = f", {result.failed} more failed" if result.failed else ""
    rows = [
        ("share of the variance due to the architecture", shown(result.share)),
        ("Kendall's tau-b between two seeds", shown(result.seeds)),
    ]
    if kills := result.kills:
        interval = f"{kills.low:.2f} to {kills.high:.2f}"
        rows += [("false kills of the gate", f"{kills.stopped} of the {kills.good} best ({interval})")]
    rows += [(f"CPU s, {part}", f"{seconds:.1f}") for part, seconds in result.seconds.items()]
    table = pd.DataFrame(rows, columns=["", "value"]).to_markdown(index=False, disable_numparse=True)
    text = f"{one.benchmark.id}: {result.networks} networks{failed}\n\n{table}"
    if result.signals:
        compared = result.signals.comparison()
        rows_of = [
            {
                "signal": signal.signal,
                "Kendall's tau-b": shown(signal.tau),
                "Spearman's rho": shown(signal.rho),
                f"regret, {compared.metric}": shown(result.regrets[signal.signal]),
            }
            for signal in sorted(compared.agreements, key=lambda signal: -(signal.tau.value or 0.0))
        ]
        listed = pd.DataFrame(rows_of).to_markdown(index=False, disable_numparse=True)
        text += f"\n\nSignals against {compared.metric} after the final training; losses and errors are negated:\n\n{listed}"
    if machines:
        rows_of = [
            {
                "scores": found.part,
                "networks": found.networks,
                "spread between networks": f"{found.spread:.2f}",
                "moves by, of that": shown(found.share),
                "Kendall's tau-b": shown(found.tau),
            }
            for found in machines
        ]
        text += f"\n\nThe same trainings elsewhere:\n\n{pd.DataFrame(rows_of).to_markdown(index=False, disable_numparse=True)}"
    return "\n\n".join([text, *warnings(result, machines)])


def warnings(result: Audit, machines: Sequence[Moved]) -> list[str]:
    """What of the search is too close to chance to be searched by."""
    told = []
    if result.share and result.share.value is not None and result.share.value < SHARE:
        told.append(
            f"Warning: less than {SHARE:.0%} of the reward's variance are due to the architecture: train longer."
        )
    for signal in result.signals.comparison().agreements if result.signals else ():
        if signal.signal == REWARD and (signal.tau.value or 0.0) < TAU:
            told.append(
                f"Warning: the reward's tau-b with the final training is below {TAU}: another stage, or reward."
            )
    for found in machines:
        if found.share.value is not None and found.share.value > LIMIT:
            told.append(f"Warning: the {found.part}'s scores move by more than a third of the spread between networks.")
    return told


def audit(options: Namespace) -> tuple[Run, Audit, list[Moved]]:
    options.device = device(options.device)
    options.workers = trainers(options.device) if options.workers is None else options.workers
    for name, least in dict(architectures=LEAST, seeds=0, final=0, workers=1).items():
        if getattr(options, name) is not None and getattr(options, name) < least:
            raise ValueError(f"--{name} must be at least {least}, not {getattr(options, name)}")
    if not options.final and (not options.seeds or options.zero_cost or options.run):
        raise ValueError("--seeds 0, --zero-cost and --run are compared with the final training: give --final, too")
    if options.beside and (options.run or options.beside.resolve() == options.work_dir.resolve()):
        raise ValueError("--beside is another machine's work folder, with the same random networks: leave out --run")
    benchmark = read_protocol(options.benchmark, options.cfg_options)["benchmark"]
    config = {"benchmark": benchmark, "strategy": {"type": "RandomSearch"}}
    one = Run(config, "audit", 0, options.work_dir, options.device)
    if options.zero_cost:
        build_trainable(one.search_task)
    known: Sequence[Figures] = ()
    if options.run is None:
        networks = sampled(one.benchmark.space, options.architectures or USUAL)
    else:
        networks, known = found_by(Record.of(options.run), one.benchmark.space, options.architectures)
    elsewhere = read_scores(options.beside / "audits" / f"{one.benchmark.id}.jsonl", one) if options.beside else {}
    one.prepare()
    scores = scored(one, networks, options)
    return one, audited(one, scores, known), moved(one, scores, elsewhere)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", metavar="BENCHMARK", help="a benchmark's id, or a config")
    parser.add_argument(
        "--architectures", type=int, help=f"default: {USUAL}, or what the run has rated, {USUAL} at most"
    )
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="the networks of a run, BENCHMARK/STRATEGY/seedK")
    parser.add_argument("--seeds", type=int, default=3, help="of the search's stages (0: leave them out)")
    parser.add_argument("--final", type=int, nargs="?", const=1, default=0, metavar="SEEDS", help="also train finally")
    parser.add_argument("--zero-cost", action="store_true", help="also score untrained networks")
    parser.add_argument(
        "--workers", type=int, help="processes, which share the cores (default: one a core, 1 on a GPU)"
    )
    parser.add_argument("--work-dir", type=Path, default=Path("runs"))
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--cfg-options", nargs="+", action=Settings, help="settings of the config, as benchmark.a.b=c")
    parser.add_argument("--beside", type=Path, metavar="WORK_DIR", help="that of the same command on another machine")
    parser.add_argument("--out", type=Path, help="also write signals.png there: a panel a signal, a point a network")
    parser.add_argument("--json", action="store_true", help="an object instead of tables")
    options = parser.parse_args(arguments)
    try:
        if options.out:
            make_folder(options.out, "--out")
        one, result, machines = audit(options)
        if options.beside and not machines:
            print(f"nothing to compare: fewer than {LEAST} networks were trained on both machines", file=sys.stderr)
        if options.out and result.signals:
            from benchmarks.report.figures import save, scatter

            save(scatter([result.signals]), options.out / "signals.png")
    except BrokenExecutor:
        raise OSError("a worker has died (killed, for want of memory perhaps): the same command goes on") from None
    except (ValueError, OSError) as error:
        refuse(error)
    if options.json:
        signals = asdict(result.signals.comparison()) if result.signals else None
        found = {"signals": signals, "machines": list(map(asdict, machines))}
        print(json.dumps({**asdict(replace(result, signals=None)), **found}, indent=2))
    else:
        print(markdown(one, result, machines))
    return 0


if __name__ == "__main__":
    run(main)
