"""Published architectures: what makes each of them here, what it counts to, and the numbers that its source prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.published.classifiers import classifiers
from search_spaces.mbconv.space import FNA_DEEPLAB, FNA_RETINANET, FNA_SSDLITE, MOBILENET_V2, RANA_KIM, STRIDE_16
from tasks.keypoints import skeletons

# Why a printed number is not ours.
RULE = "the source does not say how it counts MAdds, and prints 3 to 6 % more than the convolutions' weights multiply"
FCOS_RULE = "the source counts up to 1.3 % more MAdds, which it does not explain"
CUT = "the source cuts digits off instead of rounding"
MEET = (
    "the source has an FPN of 128 channels and a head of 256 and does not say how they meet; its numbers leave room for no "
    "convolution between them, so a level is read as its own block in front of the sum with the unused one, 256 together"
)


@dataclass(frozen=True)
class Published:
    """A network: the space and genotype that make it, the task that hosts it, our numbers and the printed ones.

    Without a space, the network is the task's template as it is, plain. A classifier has no task, but `classifier`, its config
    without what its space says of a backbone (without a space, the genotype, if any), and the `size` of its image. `params`
    and `madds` are exact under our rule (None: never determined). Printed numbers are written as the source does, "2.6 M";
    `frozen` parameters may be missing in them. `differs` says why a printed number is not ours.
    """

    id: str
    source: str
    task: dict[str, Any] | None
    space: dict[str, Any] | None
    genotype: Any
    params: int
    madds: int | None = None
    printed_params: str | None = None
    printed_madds: str | None = None
    frozen: int = 0
    differs: str = ""
    classifier: dict[str, Any] | None = None
    size: int = 0


ARCH0 = [[8, [0, 0, 5, 2], [0, 2, 8, 8], [0, 5, 1, 4]], [[3, 3], [3, 2], [3, 0]]]
ARCH1 = [[2, [1, 0, 3, 6], [0, 1, 2, 8], [2, 0, 6, 1]], [[2, 3], [3, 1], [4, 4]]]
ARCH2 = [[5, [0, 0, 4, 1], [3, 2, 0, 1], [5, 6, 5, 0]], [[1, 3], [4, 3], [2, 2]]]
LOGGED = (  # nas-segm-pytorch, issue 3: genotypes with their parameter counts
    ([[3, [1, 0, 9, 9], [4, 1, 7, 1], [0, 7, 10, 5]], [[3, 3], [4, 4], [3, 3]]], 2_152_613),
    ([[6, [0, 1, 3, 1], [0, 4, 0, 10], [2, 2, 6, 10]], [[1, 0], [2, 3], [2, 0]]], 2_277_317),
    ([[0, [0, 1, 7, 1], [4, 1, 4, 3], [5, 2, 7, 7]], [[3, 1], [4, 2], [2, 5]]], 2_088_101),
    ([[9, [1, 0, 6, 10], [3, 0, 2, 4], [4, 2, 1, 10]], [[1, 3], [0, 3], [2, 3]]], 2_147_717),
)
TEMPLATES0, TEMPLATES1 = (  # 44 numbers in a row
    [int(digit) for digit in digits]
    for digits in ("30141131101001212103111011200302005321005010", "11013034011000011113123030220012002113040220")
)


def _segmentation(classes: int, size: tuple[int, int], **template: Any) -> dict[str, Any]:
    """A segmentation task on the authors' MobileNetV2."""
    data = dict(type="FolderSegmentation", root=".", layout="folders", classes=[str(k) for k in range(classes)])
    return dict(type="SegmentationTask", template=template, data=data, encoder=dict(expanded=True), input_size=size)


VOC = _segmentation(21, (512, 512))
DEPTH = {**VOC, "type": "DepthTask", "data": dict(type="FolderDepth", root=".")}
KEYPOINTS = {**VOC, "type": "KeypointTask"}
MPII = {**KEYPOINTS, "data": dict(type="MpiiKeypoints", root=".")}
COCO_KEYPOINTS = {**KEYPOINTS, "data": dict(type="CocoKeypoints", root=".", joints=skeletons.COCO.joints)}
FINAL = dict(type="DecoderCells", channels=64, repeats=2)
SEARCH = dict(type="DecoderCells", channels=48, repeats=1)
PAPER = "Nekrasov et al., CVPR 2019"
COCO = (800, 1088)  # pixels of the image that MAdds are printed for
FROZEN = 222_400  # weights of a ResNet's stem and first stage, which some sources leave out
RESNEXT = dict(type="mmdet.ResNeXt", depth=101, groups=64, base_width=4, norm_cfg=dict(type="BN", requires_grad=False))
FROZEN_RESNEXT = 397_504  # the same of this one


def _decoders() -> Iterator[Published]:
    rows: list[tuple[Any, ...]] = [
        (ARCH0, 2_629_909, 4_208_189_440, "2.6 M", "4.47 G", 2_212_517, 2_873_734_656),
        (ARCH1, 2_810_133, 2_854_453_248, "2.8 M", "2.95 G", 2_316_197, 2_208_104_448),
        (ARCH2, 2_853_141, 3_372_736_512, "2.9 M", "3.47 G", 2_407_205, 2_582_951_424),
    ]
    # Transferred to depth, to the 16 keypoints of MPII and to the 17 of COCO.
    others = ((2_618_369, 2_627_024, 2_627_601), (2_798_593, 2_807_248, 2_807_825), (2_841_601, 2_850_256, 2_850_833))
    for k, (genotype, full, full_madds, printed, printed_madds, small, small_madds) in enumerate(rows):
        why = "probably the number of the network for VOC, which has more classes" if k == 2 else ""
        yield Published(f"SEG-{k}", PAPER, VOC, FINAL, genotype, full, full_madds, printed, printed_madds, differs=RULE)
        depth, mpii, coco = others[k]
        yield Published(f"SEG-{k}d", PAPER + ", depth", DEPTH, FINAL, genotype, depth, None, printed, differs=why)
        yield Published(f"SEG-{k}m", PAPER + ", MPII's keypoints", MPII, FINAL, genotype, mpii, None, printed)
        yield Published(f"SEG-{k}c", PAPER + ", COCO's keypoints", COCO_KEYPOINTS, FINAL, genotype, coco, None, printed)
        yield Published(f"SEG-{k}s", PAPER + ", search size", VOC, SEARCH, genotype, small, small_madds)
    for k, (genotype, count) in enumerate(LOGGED, start=1):
        yield Published(f"SEG-i{k}", "nas-segm-pytorch issue 3", VOC, SEARCH, genotype, count, None, f"{count:,}")


def _templates() -> Iterator[Published]:
    paper, space = "Nekrasov et al., WACV 2020", dict(type="DecoderTemplates", channels=64, repeats=2)
    cityscapes, camvid = (19, (1024, 2048)), (11, (360, 480))
    rows: list[tuple[Any, ...]] = [
        ("TPL-0", cityscapes, TEMPLATES0, 280_147, 13_718_388_736, "280,147", "13.72 G"),
        ("TPL-1", cityscapes, TEMPLATES1, 268_235, 18_716_229_632, "268,235", "18.72 G"),
        ("TPL-0c", camvid, TEMPLATES0, 275_531, 1_081_793_280, "0.28 M", "1.08 G"),
        ("TPL-1c", camvid, TEMPLATES1, 263_619, 1_493_249_280, "0.26 M", "1.49 G"),
    ]
    for name, setting, *numbers in rows:
        yield Published(name, paper, _segmentation(*setting, taps=("4", "8")), space, *numbers)


def _detection(
    template: dict[str, Any], size: tuple[int, int], backbone: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A detection task on a backbone, or on a MobileNetV2."""
    encoder = dict(backbone=backbone) if backbone else {}
    data = dict(type="VocDetection", root=".", classes=[str(index) for index in range(80)])
    return dict(type="DetectionTask", template=template, data=data, encoder=encoder, input_size=size)


def _resnet(depth: int, norms: bool = False) -> dict[str, Any] | None:
    """A ResNet, whose norms' affine pairs are learnt or constant; None for a depth of 0."""
    norm = dict(type="BN", requires_grad=norms)
    return dict(type="mmdet.ResNet", depth=depth, norm_cfg=norm, style="caffe") if depth else None


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
    genotype, size, paper = (blocks, 0, (5, 1, 5, 0, 4, 4)), COCO, "NAS-FCOS, CVPR 2020"
    rows: list[tuple[Any, ...]] = [
        ("DET-1", 50, 256, True, 38_580_602, 189_317_623_296, "38.4 M", "189.6 G"),
        ("DET-2", 50, 128, True, 28_036_346, 103_902_910_208, "27.8 M", "104.0 G"),
        ("DET-3", 101, 256, True, 57_520_506, 253_713_296_896, "57.3 M", "254.0 G"),
        ("DET-4", 0, 256, True, 16_075_194, 121_190_436_096, "16.1 M", "121.8 G"),
        ("DET-5", 0, 128, True, 5_962_042, 38_818_641_408, "5.9 M", "39.3 G"),
        ("DET-6", 50, 256, False, 32_244_250, 169_822_191_104, "32.0 M", "169.9 G"),
        ("DET-7", 0, 256, False, 9_798_234, 104_925_928_704, "9.8 M", "105.4 G"),
        ("DET-8", 101, 256, False, 51_184_154, 234_217_864_704, "50.9 M", "234.3 G"),
    ]
    for name, depth, width, found, *numbers in rows:
        task = _detection(dict(type="FCOS", width=width), size, _resnet(depth))
        space = dict(type="FCOSDecoder", channels=width) if found else None
        why = f"{FCOS_RULE}; {CUT}" if name in ("DET-5", "DET-8") else FCOS_RULE
        yield Published(name, paper, task, space, genotype, *numbers, frozen=FROZEN if depth else 0, differs=why)
    rows = [
        ("DET-9", None, 0, 9_948_858, 95_146_327_296, "9.9 M", "95.6 G"),
        ("DET-10", _resnet(50), FROZEN, 32_023_162, 160_230_596_096, "31.8 M", "160.4 G"),
        ("DET-11", RESNEXT, FROZEN_RESNEXT, 89_771_642, 361_494_928_896, "89.4 M", "361.6 G"),
    ]
    for name, backbone, frozen, *numbers in rows:
        task = _detection(dict(type="FCOS"), size, backbone)
        space = dict(type="FCOSDecoder", channels=128, head_channels=256)
        why = f"{FCOS_RULE}; {MEET}"
        yield Published(name, paper, task, space, genotype, *numbers, frozen=frozen, differs=why)
    port = dict(type="FCOSDecoder", channels=256, variant="mmdet")
    task = _detection(dict(type="FCOS"), size, _resnet(50, norms=True))
    yield Published("DET-1m", "mmdet's port of NAS-FCOS", task, port, genotype, 38_567_674, 185_752_464_896)


def _compared() -> Iterator[Published]:
    """What NAS-FCOS is compared with in its tables."""
    template = dict(type="RetinaNet", extra="on_output")
    rows: list[tuple[Any, ...]] = [
        ("RET-MBv2", template, None, 0, 11_340_788, 132_960_802_560, "11.3 M", "133.4 G"),
        ("RET-R50", template, _resnet(50), FROZEN, 33_786_804, 197_857_064_960, "33.6 M", "198.0 G"),
        ("RET-R101", template, _resnet(101), FROZEN, 52_726_708, 262_252_738_560, "52.5 M", "262.4 G"),
        ("FCOS-X101", dict(type="FCOS"), RESNEXT, FROZEN_RESNEXT, 89_992_730, 371_086_523_904, "89.6 M", "371.2 G"),
    ]
    for name, template, backbone, frozen, *numbers in rows:
        task = _detection(template, COCO, backbone)
        yield Published(
            name, "NAS-FCOS, CVPR 2020, baselines", task, None, None, *numbers, frozen=frozen, differs=FCOS_RULE
        )


def _fna() -> Iterator[Published]:
    paper, mobile = "FNA, ICLR 2020", "FNA, ICLR 2020 (MobileNetV2)"
    why = "with 81 classes the figure's network has 4.51 M, with 91 it would have 4.67 M"
    rows: list[tuple[Any, ...]] = [
        ("FNA-3", paper, FNA_SSDLITE, 4_630_316, 880_333_504, "4.6 M", "0.9 G"),
        ("FNA-4", mobile, MOBILENET_V2, 4_322_988, 808_218_304, "4.3 M", "0.8 G"),
        ("S1-F4", "Rana and Kim 2021, figure 4", RANA_KIM, 4_507_140, 992_960_704, "4.6 M", "1 G", 0, why),
    ]
    task = _detection(dict(type="SSDLite"), (320, 320))
    for name, source, genotype, *numbers in rows:
        yield Published(name, source, task, dict(type="MBConv", wide=(4,)), genotype, *numbers)
    why = "the source counts the biases of convolutions as MAdds, too"
    rows = [
        ("FNA-1", paper, FNA_RETINANET, 11_732_244, 132_969_644_736, "11.73 M", "133.03 G", 0, why),
        ("FNA-2", mobile, MOBILENET_V2, 11_488_244, 132_993_390_336, "11.49 M", "133.05 G", 0, why),
    ]
    task = _detection(dict(type="RetinaNet"), COCO)
    for name, source, genotype, *numbers in rows:
        yield Published(name, source, task, dict(type="MBConv"), genotype, *numbers)
    rows = [
        ("FNA-5", paper, FNA_DEEPLAB, 2_466_419, 24_174_739_456, "2.47 M", "24.17 G"),
        ("FNA-6", mobile, MOBILENET_V2, 2_567_507, 24_521_555_968, "2.57 M", "24.52 G"),
    ]
    decoder = dict(type="mmseg.LightASPPHead", norm_cfg=dict(type="BN"))
    task = _segmentation(19, (1024, 2048), decoder=decoder, taps=["16"])
    for name, source, genotype, *numbers in rows:
        space = dict(type="MBConv", layers=(4, 4, 6, 6, 4, 1), **STRIDE_16)
        yield Published(name, source, task, space, genotype, *numbers)


PUBLISHED: tuple[Published, ...] = (
    *_decoders(),
    *_templates(),
    *_nas_fcos(),
    *_compared(),
    *_fna(),
    *(Published(task=None, **row) for row in classifiers()),
)
