"""Published architectures with their printed numbers, and what they count to here.

Counting rule: see `search_spaces.cost`. "params" must be exact. Nekrasov et al. do not say how they count MAdds and print
3 to 6 % more than the convolutions' weights multiply; theirs are checked to 6.5 %.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from search_spaces import SPACES, build
from search_spaces.cost import madds, params
from tasks import TASKS


@dataclass(frozen=True)
class Published:
    """A network: the space and genotype that make it, the task that hosts it, exact and printed numbers.

    `params` and `madds` are exact under our rule (None: never determined). `printed_params` and `printed_madds` are the
    source's, with the largest relative difference that is explained by its rounding or its counting.
    """

    id: str
    source: str
    space: dict[str, Any]
    genotype: list[Any]
    classes: int
    input_size: tuple[int, int]
    params: int
    madds: int | None = None
    printed_params: float | None = None
    printed_madds: float | None = None
    params_tolerance: float = 0.0
    madds_tolerance: float = 0.0


ARCH0 = [[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]
ARCH1 = [[2, [1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]]]
ARCH2 = [[5, [0, 0, 4, 1], [3, 2, 0, 1], [5, 6, 5, 0]], [[1, 3], [4, 3], [2, 2]]]
LOGGED = (  # nas-segm-pytorch, issue 3: genotypes with their parameter counts
    ([[3, [1, 0, 9, 9], [4, 1, 7, 1], [0, 7, 10, 5]], [[3, 3], [4, 4], [3, 3]]], 2_152_613),
    ([[6, [0, 1, 3, 1], [0, 4, 0, 10], [2, 2, 6, 10]], [[1, 0], [2, 3], [2, 0]]], 2_277_317),
    ([[0, [0, 1, 7, 1], [4, 1, 4, 3], [5, 2, 7, 7]], [[3, 1], [4, 2], [2, 5]]], 2_088_101),
    ([[9, [1, 0, 6, 10], [3, 0, 2, 4], [4, 2, 1, 10]], [[1, 3], [0, 3], [2, 3]]], 2_147_717),
)
FINAL = dict(type="search_spaces.decoder_cells.DecoderCells", channels=64, repeats=2)
SEARCH = dict(type="search_spaces.decoder_cells.DecoderCells", channels=48, repeats=1)
PAPER = "Nekrasov et al., CVPR 2019"


def _decoders() -> Iterator[Published]:
    rows = zip(
        (ARCH0, ARCH1, ARCH2),
        (2_629_909, 2_810_133, 2_853_141),
        (4_208_189_440, 2_854_453_248, 3_372_736_512),
        (2.6e6, 2.8e6, 2.9e6),
        (4.47e9, 2.95e9, 3.47e9),
        (2_618_369, 2_798_593, 2_841_601),
        (2_212_517, 2_316_197, 2_407_205),
        (2_873_734_656, 2_208_104_448, 2_582_951_424),
        strict=True,
    )
    for k, (genotype, full, full_madds, printed, printed_madds, depth, small, small_madds) in enumerate(rows):
        rounding = dict(printed_params=printed, params_tolerance=0.06e6 / printed)  # to 0.1 M, 2.84 as 2.9
        counting = dict(printed_madds=printed_madds, madds_tolerance=0.065)
        yield Published(f"SEG-{k}", PAPER, FINAL, genotype, 21, (512, 512), full, full_madds, **rounding, **counting)
        yield Published(f"SEG-{k}d", PAPER + ", depth", FINAL, genotype, 1, (512, 512), depth, **rounding)
        yield Published(f"SEG-{k}s", PAPER + ", search size", SEARCH, genotype, 21, (512, 512), small, small_madds)
    for k, (genotype, count) in enumerate(LOGGED, start=1):
        yield Published(
            f"SEG-i{k}", "nas-segm-pytorch issue 3", SEARCH, genotype, 21, (512, 512), count, printed_params=count
        )


PUBLISHED: tuple[Published, ...] = tuple(_decoders())


def count(network: Published) -> tuple[int, int]:
    """The parameters and MAdds of a published network, built here and now."""
    space = build(SPACES, network.space)
    task = build(
        TASKS,
        dict(
            type="tasks.segmentation.task.SegmentationTask",
            data=dict(type="FolderSegmentation", root=".", layout="folders", classes=list(range(network.classes))),
            encoder=dict(expanded=True),
            cache=tempfile.gettempdir(),
            input_size=network.input_size,
        ),
    )
    built = task.network(space.model(space.read(network.genotype)))
    return params(built), madds(built, task.input_shape)


def verify(network: Published) -> dict[str, Any]:
    """Our numbers beside the printed ones, with a verdict: "exact", "match" (within what is explained) or "mismatch"."""
    own_params, own_madds = count(network)
    exact = own_params == network.params and network.madds in (None, own_madds)
    close = _close(own_params, network.printed_params, network.params_tolerance)
    close &= _close(own_madds, network.printed_madds, network.madds_tolerance)
    printed = own_params == network.printed_params
    verdict = ("exact" if printed else "match") if exact and close else "mismatch"
    return {
        "id": network.id,
        "source": network.source,
        "params": own_params,
        "madds": own_madds,
        "printed_params": network.printed_params,
        "printed_madds": network.printed_madds,
        "verdict": verdict,
    }


def _close(own: float, printed: float | None, tolerance: float) -> bool:
    return printed is None or abs(own - printed) <= tolerance * printed
