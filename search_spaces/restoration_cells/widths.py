"""Paths through the widths of a supernet.

`moves` (layers, widths, widths) holds for each layer the probability of going from a width of the layer before to one of its
own. Every path starts at width 0, before the first layer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def best_path(moves: Tensor) -> list[int]:
    """The most probable path, one width a layer (Viterbi); of equal ones that with the narrower end, then before it."""
    _, widths, _ = moves.shape
    scores = [0.0] + [-math.inf] * (widths - 1)
    origins: list[list[int]] = []
    for step in moves.detach().double().log().tolist():
        ways = [[scores[start] + step[start][end] for start in range(widths)] for end in range(widths)]
        scores = [max(way) for way in ways]
        origins.append([way.index(score) for way, score in zip(ways, scores, strict=True)])
    path = [scores.index(max(scores))]
    for origin in reversed(origins):
        path.insert(0, origin[path[0]])
    return path[1:]


def arrivals(moves: Tensor) -> Tensor:
    """The probability (layers, widths) of being at a width in a layer."""
    place = torch.eye(moves.shape[1], device=moves.device, dtype=moves.dtype)[0]
    places = []
    for step in moves:
        place = place @ step
        places.append(place)
    return torch.stack(places)


def last_narrow(moves: Tensor) -> Tensor:
    """The probability (layers - 1,) that width 0 is visited for the last time in that layer, and not in the last one."""
    visited = arrivals(moves)[:-1, 0]
    away = torch.ones_like(moves[0, 0])  # of never coming back to width 0, by the width in a layer
    chances = []
    for step in moves[1:].flip(0):
        away = step[:, 1:] @ away[1:]
        chances.insert(0, away[0])
    return visited * torch.stack(chances) if chances else visited
