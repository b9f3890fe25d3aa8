"""Published architectures with their printed numbers, and what they count to here.

Counting rule: see `tasks.complexity`. "params" must be exact. Nekrasov et al. do not say how they count MAdds and print
3 to 6 % more than the convolutions' weights multiply; theirs are checked to 6.5 %. NAS-FCOS's counts take the norms of its
frozen ResNets for constants, so their affine pairs do not count; some printed numbers also leave the frozen stem and first
stage out (222,400 weights), which is allowed for where they are compared.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core import build
from search_spaces import SPACES
from search_spaces.mbconv.space import FNA_SSDLITE, MOBILENET_V2, RANA_KIM
from tasks import TASKS
from tasks.complexity import madds, params


@dataclass(frozen=True)
class Published:
    """A network: the space and genotype that make it, the task that hosts it, exact and printed numbers.

    Without a space, the network is the task's template as it is, plain. `frozen` weights are in `params` but not in the printed
    number; `params` and `madds` are exact under our rule (None: never determined). `printed_params` and `printed_madds` are the
    source's, with the largest relative difference that is explained by its rounding or its counting.
    """

    id: str
    source: str
    task: dict[str, Any]
    space: dict[str, Any] | None
    genotype: Any
    params: int
    madds: int | None = None
    printed_params: float | None = None
    printed_madds: float | None = None
    params_tolerance: float = 0.0
    madds_tolerance: float = 0.0
    frozen: int = 0


ARCH0 = [[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]
ARCH1 = [[2, [1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]]]
ARCH2 = [[5, [0, 0, 4, 1], [3, 2, 0, 1], [5, 6, 5, 0]], [[1, 3], [4, 3], [2, 2]]]
LOGGED = (  # nas-segm-pytorch, issue 3: genotypes with their parameter counts
    ([[3, [1, 0, 9, 9], [4, 1, 7, 1], [0, 7, 10, 5]], [[3, 3], [4, 4], [3, 3]]], 2_152_613),
    ([[6, [0, 1, 3, 1], [0, 4, 0, 10], [2, 2, 6, 10]], [[1, 0], [2, 3], [2, 0]]], 2_277_317),
    ([[0, [0, 1, 7, 1], [4, 1, 4, 3], [5, 2, 7, 7]], [[3, 1], [4, 2], [2, 5]]], 2_088_101),
    ([[9, [1, 0, 6, 10], [3, 0, 2, 4], [4, 2, 1, 10]], [[1, 3], [0, 3], [2, 3]]], 2_147_717),
)
VOC, DEPTH = (
    dict(
        type="SegmentationTask",
        data=dict(type="FolderSegmentation", root=".", layout="folders", classes=[str(k) for k in range(classes)]),
        encoder=dict(expanded=True),
        input_size=(512, 512),
    )
    for classes in (21, 1)
)
FINAL = dict(type="DecoderCells", channels=64, repeats=2)
SEARCH = dict(type="DecoderCells", channels=48, repeats=1)
PAPER = "Nekrasov et al., CVPR 2019"


def _decoders() -> Iterator[Published]:
    rows: list[tuple[Any, ...]] = [
        (ARCH0, 2_629_909, 4_208_189_440, 2.6e6, 4.47e9, 2_618_369, 2_212_517, 2_873_734_656),
        (ARCH1, 2_810_133, 2_854_453_248, 2.8e6, 2.95e9, 2_798_593, 2_316_197, 2_208_104_448),
        (ARCH2, 2_853_141, 3_372_736_512, 2.9e6, 3.47e9, 2_841_601, 2_407_205, 2_582_951_424),
    ]
    for k, (genotype, full, full_madds, printed, printed_madds, depth, small, small_madds) in enumerate(rows):
        rounding = 0.06e6 / printed  # to 0.1 M, 2.84 as 2.9
        numbers = (full, full_madds, printed, printed_madds, rounding, 0.065)
        yield Published(f"SEG-{k}", PAPER, VOC, FINAL, genotype, *numbers)
        numbers = (depth, None, printed, None, rounding)
        yield Published(f"SEG-{k}d", PAPER + ", depth", DEPTH, FINAL, genotype, *numbers)
        yield Published(f"SEG-{k}s", PAPER + ", search size", VOC, SEARCH, genotype, small, small_madds)
    for k, (genotype, count) in enumerate(LOGGED, start=1):
        yield Published(f"SEG-i{k}", "nas-segm-pytorch issue 3", VOC, SEARCH, genotype, count, printed_params=count)


def _detection(template: dict[str, Any], size: tuple[int, int], depth: int = 0, norms: bool = False) -> dict[str, Any]:
    """A detection task on a ResNet of `depth`, whose norms' affine pairs are learnt or constant, or on a MobileNetV2."""
    resnet = dict(type="mmdet.ResNet", depth=depth, norm_cfg=dict(type="BN", requires_grad=norms), style="caffe")
    encoder = dict(backbone=resnet) if depth else {}
    data = dict(type="VocDetection", root=".", classes=[str(index) for index in range(80)])
    return dict(type="DetectionTask", template=template, data=data, encoder=encoder, input_size=size)


def _nas_fcos() -> Iterator[Published]:
    blocks = (
        (3, 3, 4, 4, 1),
        (3, 3, 4, 4, 1),
        (4, 3, 4, 3, 1),
        (1, 3, 4, 3, 1),
        (5, 3, 4, 4, 1),
        (4, 7, 4, 4, 1),
        (7, 2, 4, 4, 1),
    )
    genotype, size, paper = (blocks, 0, (5, 1, 5, 0, 4, 4)), (800, 1088), "NAS-FCOS, CVPR 2020"
    rows: list[tuple[Any, ...]] = [
        ("DET-1", 50, 256, True, 38_580_602, 189_317_623_296, 38.4e6, 189.6e9),
        ("DET-2", 50, 128, True, 28_036_346, 103_902_910_208, 27.8e6, 104.0e9),
        ("DET-3", 101, 256, True, 57_520_506, 253_713_296_896, 57.3e6, 254.0e9),
        ("DET-4", 0, 256, True, 16_075_194, 121_190_436_096, 16.1e6, 121.8e9),
        ("DET-5", 0, 128, True, 5_962_042, 38_818_641_408, 5.9e6, 39.3e9),
        ("DET-6", 50, 256, False, 32_244_250, 169_822_191_104, 32.0e6, 169.9e9),
        ("DET-7", 0, 256, False, 9_798_234, 104_925_928_704, 9.8e6, 105.4e9),
        ("DET-8", 101, 256, False, 51_184_154, 234_217_864_704, 50.9e6, 234.3e9),
    ]
    for name, depth, width, found, *numbers in rows:
        task = _detection(dict(type="FCOS", width=width), size, depth)
        space = dict(type="FCOSDecoder", channels=width) if found else None
        near = dict(params_tolerance=0.07e6 / numbers[2], madds_tolerance=0.013, frozen=222_400 if depth else 0)
        yield Published(name, paper, task, space, genotype, *numbers, **near)
    port = dict(type="FCOSDecoder", channels=256, variant="mmdet")
    task = _detection(dict(type="FCOS"), size, 50, norms=True)
    yield Published("DET-1m", "mmdet's port of NAS-FCOS", task, port, genotype, 38_567_674, 185_752_464_896)


def _ssdlite() -> Iterator[Published]:
    rows: list[tuple[Any, ...]] = [
        ("FNA-3", "FNA, ICLR 2020", FNA_SSDLITE, 4_630_316, 880_333_504, 4.6e6, 0.9e9, 0.01),
        ("FNA-4", "FNA, ICLR 2020 (MobileNetV2)", MOBILENET_V2, 4_322_988, 808_218_304, 4.3e6, 0.8e9, 0.01),
        # Printed as 4.6 M; with 81 classes the figure's network has 4.5 M, with 91 it would have 4.7 M.
        ("S1-F4", "Rana and Kim 2021, figure 4", RANA_KIM, 4_507_140, 992_960_704, 4.6e6, 1.0e9, 0.025),
    ]
    task = _detection(dict(type="SSDLite"), (320, 320))
    for name, source, genotype, *numbers in rows:
        yield Published(name, source, task, dict(type="MBConv", wide=(4,)), genotype, *numbers, madds_tolerance=0.03)


PUBLISHED: tuple[Published, ...] = (*_decoders(), *_nas_fcos(), *_ssdlite())


def count(network: Published) -> tuple[int, int]:
    """The parameters and MAdds of a published network, built here and now."""
    task = build(TASKS, {**network.task, "cache": tempfile.gettempdir()})
    model = {}
    if network.space is not None:
        space = build(SPACES, network.space)
        model = space.model(space.read(network.genotype))
    built = task.network(model)
    backbone = [(weight, weight.requires_grad) for weight in built.backbone.parameters()]
    constant = sum(weight.numel() for weight, trained in backbone if weight.dim() == 1 and not trained)
    return params(built) - constant, madds(built, task.input_shape)


def verify(network: Published) -> dict[str, Any]:
    """Our numbers beside the printed ones, with a verdict: "exact", "match" (within what is explained) or "mismatch"."""
    own_params, own_madds = count(network)
    exact = own_params == network.params and network.madds in (None, own_madds)
    close = _close(own_params - network.frozen, network.printed_params, network.params_tolerance)
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
