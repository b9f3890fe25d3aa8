"""Which joints a body has, in the orders of MPII and COCO."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

# Of COCO's joints, from cocodataset.org: how far apart people mark one joint, as a share of the person's size.
SPREADS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
SIDES = ("left", "right")
LETTERS = re.compile(r"([lr])([ _.-].+)|(.+[ _.-])([lr])")  # of a side, as in "l_knee" and "Knee R", in small ones
CAMEL = re.compile(r"^([LRlr])(?=[A-Z][a-z])|(?<=[a-z])([LR])$")  # and as in "LKnee", "lKnee" and "kneeL"


@dataclass(frozen=True)
class Skeleton:
    """The names of K `joints`, the `limbs` between two of them (indices, to be drawn), and the K `sigmas` of their similarity.

    What is left and right is told by names (`sided`): "left_knee", "right_knee". `apart` are joints that PCKh leaves out.
    """

    joints: tuple[str, ...]
    limbs: tuple[tuple[int, int], ...]
    sigmas: tuple[float, ...]
    apart: tuple[int, ...] = ()

    @cached_property
    def mirrored(self) -> np.ndarray:
        """(K,): the joint that each becomes in a mirror."""
        names = [sided(name) for name in self.joints]
        places, other = (
            {name: index for index, name in enumerate(names)},
            dict[str, str](zip(SIDES, SIDES[::-1], strict=True)),
        )
        return np.array(
            [places.get((rest, other[side]), index) if side else index for index, (rest, side) in enumerate(names)]
        )

    @cached_property
    def counted(self) -> np.ndarray:
        """The indices of the joints that PCKh counts."""
        return np.array([index for index in range(len(self.joints)) if index not in self.apart])


def sided(joint: str) -> tuple[str, str]:
    """What a joint is called beside its side, in small letters, and "left", "right" or "" (of "l_knee", "KneeR", too)."""
    name = joint.lower()
    for side in SIDES:
        if side in name:
            return name.replace(side, "*"), side
    found = LETTERS.fullmatch(CAMEL.sub(r"\1 \2", joint).lower())
    if found is None:
        return name, ""
    return f"{found[3] or ''}*{found[2] or ''}", SIDES["lr".index(found[1] or found[4])]


def spread(joint: str) -> float:
    """The sigma of a joint: that of COCO's of the name, without left and right, else the mean of all that COCO has."""
    name = sided(joint)[0].strip("* _.-")
    every = [value for part, value in SPREADS.items() for _ in range(1 if part == "nose" else 2)]
    return SPREADS.get(name, round(sum(every) / len(every), 3))


def _limbs(joints: Sequence[str], *chains: str) -> tuple[tuple[int, int], ...]:
    """Each joint of a chain, names with blanks between them, with the next one."""
    named = [[joints.index(name) for name in chain.split()] for chain in chains]
    return tuple(pair for chain in named for pair in pairwise(chain))


_MPII = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("pelvis", "thorax", "upper_neck", "head_top"),
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
)
_NEAREST = {"pelvis": "hip", "thorax": "shoulder", "upper_neck": "shoulder", "head_top": "ear"}  # of COCO's joints
MPII = Skeleton(
    _MPII,
    _limbs(
        _MPII,
        "right_ankle right_knee right_hip pelvis left_hip left_knee left_ankle",
        "pelvis thorax upper_neck head_top",
        "right_wrist right_elbow right_shoulder thorax left_shoulder left_elbow left_wrist",
    ),
    tuple(spread(_NEAREST.get(name, name)) for name in _MPII),
    apart=(_MPII.index("pelvis"), _MPII.index("thorax")),  # as in MPII's own evaluation
)
_COCO = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
COCO = Skeleton(
    _COCO,
    _limbs(
        _COCO,
        "left_ankle left_knee left_hip right_hip right_knee right_ankle",
        "left_hip left_shoulder right_shoulder right_hip",
        "left_wrist left_elbow left_shoulder left_ear left_eye nose right_eye right_ear right_shoulder",
        "right_shoulder right_elbow right_wrist",
        "left_eye right_eye",
    ),
    tuple(map(spread, _COCO)),
)
