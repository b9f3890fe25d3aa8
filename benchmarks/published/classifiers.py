"""Published classifiers of searched backbones, as settings of `Published` without a task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from search_spaces.mbconv.space import (
    EFFICIENTNET,
    EFFICIENTNET_B0,
    MOBILENET_V3_LARGE,
    MOBILENET_V3_SMALL,
    V3_LARGE,
    V3_SMALL,
)
from search_spaces.nasnet_cells.published import AMOEBANET_A, DARTS_V1, DARTS_V2, NASNET_A, unused
from search_spaces.nasnet_cells.space import DARTS, NAMES

NUMBERS = ("size", "params", "madds", "printed_params", "printed_madds", "differs")

# Why a printed number is not ours.
RULE = "the source does not say how it counts MAdds, and prints 8 % more than the weights multiply"
ORDERS = "the source prints the same number for the first order and the second"
MORE = "the source's cells also put out what is read, which the space leaves out"
STATISTICS = "{} with the running statistics of norms"
THOP = "the source's counter takes k x k taps for k x k + 1 products, and counts 4 for each number of a norm and 1 of a ReLU"
UNPADDED = THOP + "; its pooling leaves out the border, so that maps are 15, 7, 3 and 1 wide"
OTHER = "the source does not say how it counts MAdds, and prints 5 % less to 2 % more than the weights multiply"


def classifiers() -> Iterator[dict[str, Any]]:
    yield from _darts()
    yield from _nasnet()
    yield from _efficientnet()
    yield from _mobilenet_v1()
    yield from _mobilenet_v3()
    yield from _autokeras()


def _darts() -> Iterator[dict[str, Any]]:
    space = dict(type="NASNetCells", operations=DARTS, blocks=4, join="all")
    large, small = dict(channels=48, depth=4, classes=1000, stem="imagenet"), dict(channels=36, depth=6, classes=10)
    rows: list[tuple[Any, ...]] = [
        ("DARTS-V2", DARTS_V2, large, 224, 4_718_752, 529_911_552, "4.7 M", "574 M", RULE),
        ("DARTS-V2c", DARTS_V2, small, 32, 3_349_342, 528_359_040, "3.3 M", None, ""),
        ("DARTS-V1", DARTS_V1, large, 224, 4_510_432, 505_864_704, None, None, ""),
        ("DARTS-V1c", DARTS_V1, small, 32, 3_169_414, 500_987_520, "3.3 M", None, ORDERS),
    ]
    for name, genotype, settings, *numbers in rows:
        network = dict(classifier=dict(type="densebench.CellClassifier", **settings), space=space, genotype=genotype)
        yield dict(id=name, source="DARTS, ICLR 2019", **network, **dict(zip(NUMBERS, numbers, strict=True)))


def _nasnet() -> Iterator[dict[str, Any]]:
    """Those whose names end in "-s" are what the space can read of the cells."""
    nasnet, amoeba = ("NASNet, CVPR 2018", NASNET_A), ("AmoebaNet, AAAI 2019", AMOEBANET_A)
    few, many = map(STATISTICS.format, ("88,949,818", "468,606,025"))
    rows: list[tuple[Any, ...]] = [
        ("NASNet-A", *nasnet, 44, 4, 1000, 32, 224, 5_289_978, 563_638_816, "5.3 M", "564 M", ""),
        ("NASNet-A-large", *nasnet, 168, 6, 1000, 96, 331, 88_753_150, 23_783_414_658, "88.9 M", "23.8 G", few),
        ("NASNet-A-s", *nasnet, 44, 4, 1000, 32, 224, 4_772_516, 518_307_552, "5.3 M", "564 M", MORE),
        ("AmoebaNet-A", *amoeba, 190, 6, 1001, 32, 331, 86_721_838, 23_133_666_547, "86.7 M", "23.1 G", ""),
        ("AmoebaNet-A-448", *amoeba, 448, 6, 1001, 32, 299, 468_158_353, 103_887_701_136, "469 M", "104 G", many),
        ("AmoebaNet-A-s", *amoeba, 190, 6, 1001, 32, 331, 75_068_188, 20_026_759_377, "86.7 M", "23.1 G", MORE),
    ]
    for name, source, genotype, channels, depth, classes, stem, *numbers in rows:
        network = dict(type="densebench.NASNetClassifier", channels=channels, depth=depth, classes=classes, stem=stem)
        within = name.endswith("-s")
        yield dict(
            id=name,
            source=source,
            classifier=network,
            space=dict(type="NASNetCells", operations=list(NAMES)) if within else None,
            genotype=unused(genotype) if within else genotype,
            **dict(zip(NUMBERS, numbers, strict=True)),
        )


def _efficientnet() -> Iterator[dict[str, Any]]:
    rows: list[tuple[Any, ...]] = [
        (1.0, 1.0, 224, 5_288_548, 385_814_752, "5.3 M", "0.39 G", ""),
        (1.0, 1.1, 240, 7_794_184, 686_802_832, "7.8 M", "0.70 G", OTHER),
        (1.1, 1.2, 260, 9_109_994, 993_561_872, "9.2 M", "1.0 G", STATISTICS.format("9,177,562")),
        (1.2, 1.4, 300, 12_233_232, 1_827_141_392, "12 M", "1.8 G", ""),
        (1.4, 1.8, 380, 19_341_616, 4_393_771_024, "19 M", "4.2 G", OTHER),
        (1.6, 2.2, 456, 30_389_784, 10_266_384_752, "30 M", "9.9 G", OTHER),
        (1.8, 2.6, 528, 43_040_704, 19_067_593_536, "43 M", "19 G", ""),
        (2.0, 3.1, 600, 66_347_960, 37_745_884_192, "66 M", "37 G", OTHER),
    ]
    for phi, (width, depth, *numbers) in enumerate(rows):
        yield dict(
            id=f"EfficientNet-B{phi}",
            source="EfficientNet, ICML 2019",
            classifier=dict(type="densebench.MBConvClassifier", classes=1000),
            space=dict(type="MBConv", width=width, depth=depth, **EFFICIENTNET),
            genotype=EFFICIENTNET_B0,
            **dict(zip(NUMBERS, numbers, strict=True)),
        )


def _mobilenet_v1() -> Iterator[dict[str, Any]]:
    numbers = (224, 4_231_976, 568_740_352, "4.2 M", "569 M", "")
    yield dict(
        id="MobileNetV1",
        source="Howard et al., 2017",
        classifier=dict(type="densebench.MobileNetV1Classifier", classes=1000),
        space=None,
        genotype=None,
        **dict(zip(NUMBERS, numbers, strict=True)),
    )


def _mobilenet_v3() -> Iterator[dict[str, Any]]:
    rows: list[tuple[Any, ...]] = [
        ("large", V3_LARGE, MOBILENET_V3_LARGE, 1280, 224, 5_483_032, 216_589_760, "5,483,032", "0.22 G", ""),
        ("small", V3_SMALL, MOBILENET_V3_SMALL, 1024, 224, 2_542_856, 56_510_400, "2,542,856", "0.06 G", ""),
    ]
    for name, settings, genotype, hidden, *numbers in rows:
        yield dict(
            id=f"MobileNetV3-{name}",
            source="MobileNetV3, ICCV 2019, as torchvision has it",
            classifier=dict(type="densebench.MBConvClassifier", classes=1000, hidden=hidden),
            space=dict(type="MBConv", **settings),
            genotype=genotype,
            **dict(zip(NUMBERS, numbers, strict=True)),
        )


def _autokeras() -> Iterator[dict[str, Any]]:
    """What AutoKeras 0.3 and its fork for mobile networks start from, on CIFAR-10."""
    autokeras, fork = "AutoKeras 0.3, KDD 2019", "Naimer et al., fork of AutoKeras"
    rows: list[tuple[Any, ...]] = [
        ("AK-0", autokeras, "cnn", {}, 64, 80_720, 13_570_688, "80,720", "15,243,510", THOP),
        ("AK-1", fork, "mobilenet", {}, None, 21_082, 18_334_656, "21,082", "37,357,432", THOP),
        ("AK-2", fork, "mobilenet", dict(shortcuts=True), None, 22_098, 19_252_160, "22,098", None, ""),
        ("AK-ResNet", autokeras, "resnet", {}, None, 11_529_354, 576_394_240, "11,529,354", "667,985,920", THOP),
        ("AK-DenseNet", autokeras, "densenet", {}, None, 6_974_346, 231_286_784, "6,974,346", "273,725,152", UNPADDED),
    ]
    for name, source, start, settings, hidden, *numbers in rows:
        yield dict(
            id=name,
            source=source,
            classifier=dict(type="densebench.LayerGraphClassifier", classes=10, hidden=hidden),
            space=dict(type="LayerGraph", start=start, settings=settings),
            genotype="start",
            **dict(zip(NUMBERS, (32, *numbers), strict=True)),
        )
