"""Published cells, as the authors of DARTS write them: operations on places of a pool, and the places that are put out.

Those of NASNet and AmoebaNet are as in Google's public code. Both put out more than the articles say, the blocks that no other
one reads: normal cells also the output of the cell before the last (0), reduction cells one or two blocks that are read. What
`NASNetCells` can read of them is what `unused` gives.
"""

from __future__ import annotations

from search_spaces.nasnet_cells.space import Genotype

# Liu et al., ICLR 2019: of the first order, and of the second.
DARTS_V1: Genotype = {
    "normal": [
        ["sep_conv_3x3", 1], ["sep_conv_3x3", 0],
        ["skip_connect", 0], ["sep_conv_3x3", 1],
        ["skip_connect", 0], ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 0], ["skip_connect", 2],
    ],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [
        ["max_pool_3x3", 0], ["max_pool_3x3", 1],
        ["skip_connect", 2], ["max_pool_3x3", 0],
        ["max_pool_3x3", 0], ["skip_connect", 2],
        ["skip_connect", 2], ["avg_pool_3x3", 0],
    ],
    "reduce_concat": [2, 3, 4, 5],
}  # fmt: skip
DARTS_V2: Genotype = {
    "normal": [
        ["sep_conv_3x3", 0], ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 0], ["sep_conv_3x3", 1],
        ["sep_conv_3x3", 1], ["skip_connect", 0],
        ["skip_connect", 0], ["dil_conv_3x3", 2],
    ],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [
        ["max_pool_3x3", 0], ["max_pool_3x3", 1],
        ["skip_connect", 2], ["max_pool_3x3", 1],
        ["max_pool_3x3", 0], ["skip_connect", 2],
        ["skip_connect", 2], ["max_pool_3x3", 1],
    ],
    "reduce_concat": [2, 3, 4, 5],
}  # fmt: skip

NASNET_A: Genotype = {  # Zoph et al., CVPR 2018
    "normal": [
        ["sep_conv_5x5", 1], ["sep_conv_3x3", 0],
        ["sep_conv_5x5", 0], ["sep_conv_3x3", 0],
        ["avg_pool_3x3", 1], ["skip_connect", 0],
        ["avg_pool_3x3", 0], ["avg_pool_3x3", 0],
        ["sep_conv_3x3", 1], ["skip_connect", 1],
    ],
    "normal_concat": [0, 2, 3, 4, 5, 6],
    "reduce": [
        ["sep_conv_5x5", 1], ["sep_conv_7x7", 0],
        ["max_pool_3x3", 1], ["sep_conv_7x7", 0],
        ["avg_pool_3x3", 1], ["sep_conv_5x5", 0],
        ["skip_connect", 3], ["avg_pool_3x3", 2],
        ["sep_conv_3x3", 2], ["max_pool_3x3", 1],
    ],
    "reduce_concat": [3, 4, 5, 6],
}  # fmt: skip
AMOEBANET_A: Genotype = {  # Real et al., AAAI 2019
    "normal": [
        ["avg_pool_3x3", 1], ["max_pool_3x3", 1],
        ["sep_conv_3x3", 0], ["skip_connect", 0],
        ["skip_connect", 1], ["avg_pool_3x3", 0],
        ["sep_conv_3x3", 1], ["sep_conv_5x5", 2],
        ["avg_pool_3x3", 5], ["sep_conv_3x3", 1],
    ],
    "normal_concat": [0, 3, 4, 6],
    "reduce": [
        ["sep_conv_3x3", 0], ["avg_pool_3x3", 1],
        ["max_pool_3x3", 1], ["sep_conv_7x7", 2],
        ["max_pool_3x3", 0], ["max_pool_3x3", 1],
        ["sep_conv_3x3", 4], ["conv_7x1_1x7", 1],
        ["avg_pool_3x3", 0], ["sep_conv_7x7", 1],
    ],
    "reduce_concat": [2, 3, 4, 5, 6],
}  # fmt: skip


def unused(genotype: Genotype) -> Genotype:
    """The same cells where they put out the blocks that no other one reads."""
    result = dict(genotype)
    for kind in ("normal", "reduce"):
        terms = genotype[kind]
        read = {source for _, source in terms}
        result[f"{kind}_concat"] = [place for place in range(2, 2 + len(terms) // 2) if place not in read]
    return result
