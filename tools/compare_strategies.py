"""Compare strategies on tables: many seeds of each, with intervals, tests and a page of results.

BENCHMARK are tabular benchmarks (default: all that come with this checkout). Written to OUT: results.md, regrets.csv,
regret.png (mean regret and its 95 % interval over trainings), solved.png (targets reached over trainings) and ranks.png (mean
ranks over tables; strategies that a bar joins cannot be told apart). What was played is kept in OUT/curves: the same command
goes on where it was interrupted, and plays again where a config, a table, a strategy's code or the version of a task or a space
has changed; after a change of the study's code remove OUT/curves.
"""

from __future__ import annotations

from command_line import Parser, refuse, run

import shlex
import sys
import warnings
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from benchmarks.analysis.comparison import compare
from benchmarks.analysis.regrets import LEVEL, REFERENCE, Table, groups, mean_ranks, share_of_reference, solved, tuned
from benchmarks.catalogue import benchmarks, read_protocol, strategies_of
from benchmarks.executors import cores, open_trainers
from benchmarks.files import write

WITHIN = 0.01
STRICT = 0.01  # of p, where tables are counted
LEGEND = """Regret: what the network that is best in the search's eyes lacks of the best of the table, by the mean of all
its trainings, after {trainings} trainings; the mean of {seeds} seeds with the 95 % interval of a bootstrap. p: Wilcoxon's
signed-rank test over seeds, paired, with Holm's correction over all pairs of the table. Expected trainings: until a network
within that regret is found ({percent:g} % of what one random training leaves), counting seeds that fail (expected running
time). A network that is proposed again costs nothing.
"""


TUNED = """## Tuned on one table, reported on the others

Regret as a share of what a first answer leaves: of each kind's first setting, of the one that is best on one table on all
others, and of the best of each table itself, which nobody can know.
"""
SOLVED = """## How soon

The share of targets (regrets from what a first answer leaves to a hundredth of it; all tables and seeds) reached by then.

![targets reached](solved.png)
"""


def arguments() -> Parser:
    parser = Parser(description=__doc__)
    parser.add_argument("benchmark", nargs="*", help="tabular benchmarks")
    parser.add_argument("--strategy", nargs="+", help="strategies of these benchmarks (default: all)")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--trainings", type=int, default=100, help="what a search may spend")
    parser.add_argument(
        "--within", type=float, default=WITHIN, help="share of the regret of one random training that counts as found"
    )
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--out", type=Path, required=True)
    return parser


def tabular() -> list[str]:
    return [name for name in benchmarks() if read_protocol(name)["benchmark"]["task"]["type"].endswith("TabularTask")]


def families(names: Sequence[str]) -> dict[str, list[str]]:
    """The strategies of these benchmarks by their class."""
    found: dict[str, list[str]] = {}
    for name in names:
        for who, config in strategies_of(name).items():
            listed = found.setdefault(config["type"].rpartition(".")[2], [])
            if who not in listed:
                listed.append(who)
    return found


def command(options: Namespace) -> str:
    """What makes this page anew."""
    words = ["python", "tools/compare_strategies.py", *options.benchmark]
    words += ["--seeds", options.seeds, "--trainings", options.trainings, "--out", options.out.name]
    words += ["--within", options.within] if options.within != WITHIN else []
    words += ["--strategy", *options.strategy] if options.strategy else []
    return shlex.join(map(str, words))


def page(tables: Sequence[Table], options: Namespace) -> str:
    parts = [
        f"# Strategies on tables\n\n`{command(options)}`\n\n"
        + LEGEND.format(**vars(options), percent=100 * options.within)
        + "\n![regret](regret.png)\n"
    ]
    if len(tables) > 2:
        ranks = mean_ranks(tables)
        listed = ranks.mean().sort_values().round(2).rename("mean rank").to_frame().rename_axis("strategy")
        alike = groups(ranks)
        best = listed.index[0]
        listed[f"p against {best}"] = [f"{alike.loc[best, who]:.3g}" for who in listed.index]
        if REFERENCE in listed.index:
            listed[f"better than {REFERENCE} on (p < {STRICT:g})"] = [
                sum(who in table.winners(STRICT) for table in tables) for who in listed.index
            ]
            listed["of its regret, the median"] = [f"{share_of_reference(tables, who):.0%}" for who in listed.index]
        shown = listed.reset_index().to_markdown(index=False)
        parts.append(
            f"## All {len(tables)} tables\n\nNemenyi's test, tables as blocks.\n\n{shown}\n\n![mean ranks](ranks.png)\n"
        )
        worth = tuned(tables, families(options.benchmark or tabular())).round(3)
        parts.append(TUNED + "\n" + worth.reset_index().to_markdown(index=False) + "\n")
    parts.append(SOLVED)
    for table in tables:
        shown = table.summary(table.scale(options.within)).to_markdown(index=False, disable_numparse=True)
        won = ", ".join(table.winners()) or "none"
        parts.append(f"## {table.name}\n\n{shown}\n\nBetter than random search (p < {LEVEL:g}): {won}.\n")
    return "\n".join(parts)


def draw(tables: Sequence[Table], out: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import scikit_posthocs
    from matplotlib import pyplot

    from benchmarks.report.figures import line, save

    columns = min(3, len(tables))
    rows = -(-len(tables) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(5 * columns, 3.4 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(tables) :]:
        axis.remove()
    for axis, table in zip(axes.flat, tables, strict=False):
        for place, (who, curves) in enumerate(table.regrets.items()):
            grid = range(1, curves.shape[1] + 1)
            (drawn,) = axis.plot(grid, curves.mean(0), line(place), label=who)
            axis.fill_between(grid, *table.interval(who), alpha=0.15, color=drawn.get_color())
        axis.set(title=table.name, xlabel="trainings", ylabel="regret", xscale="log", yscale="log")
    axes.flat[0].legend(fontsize=7)
    save(figure, out / "regret.png")
    shares = solved(tables)
    styles = [line(place) for place in range(len(shares.columns))]
    axis = shares.plot(style=styles, figsize=(7, 4), logx=True, xlabel="trainings", ylabel="share of targets reached")
    save(axis.figure, out / "solved.png")
    if len(tables) > 2:
        ranks = mean_ranks(tables)
        figure, axis = pyplot.subplots(figsize=(9, 0.5 * len(ranks.columns)), layout="constrained")
        scikit_posthocs.critical_difference_diagram(ranks.mean(), groups(ranks), ax=axis)
        save(figure, out / "ranks.png")


def main() -> int:
    options = arguments().parse_args()
    warnings.filterwarnings("ignore", category=RuntimeWarning)  # means of no value, before a search has an answer
    options.benchmark = list(dict.fromkeys(options.benchmark))
    names = options.benchmark or tabular()
    try:
        for name, least in dict(seeds=5, trainings=2, workers=1).items():
            if getattr(options, name) < least:
                raise ValueError(f"--{name} must be at least {least}, not {getattr(options, name)}")
        if not 0 <= options.within <= 1:
            raise ValueError(f"--within must be from 0 to 1, not {options.within:g}")
        with open_trainers(options.workers) as executor:
            where = options.out / "curves"
            played = compare(names, range(options.seeds), options.trainings, executor, where, options.strategy)
            tables = list(tqdm(played, total=len(names), unit="table", file=sys.stderr))
        text = page(tables, options)
    except BrokenExecutor:
        raise OSError("a worker has died (killed, for want of memory perhaps): the same command goes on") from None
    except RuntimeError as error:
        raise OSError(str(error)) from None
    except (ValueError, OSError) as error:
        refuse(error)
    write(options.out / "results.md", text)
    rows = [
        {"benchmark": table.name, "strategy": who, "seed": seed, "regret": regret}
        for table in tables
        for who in table.final
        for seed, regret in enumerate(table.final[who])
    ]
    write(options.out / "regrets.csv", pd.DataFrame(rows).to_csv(index=False))
    draw(tables, options.out)
    print(text)
    print(f"written to {options.out}")
    return 0


if __name__ == "__main__":
    run(main)
