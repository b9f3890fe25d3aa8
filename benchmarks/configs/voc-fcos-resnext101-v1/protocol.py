"""voc-fcos-resnext101-v1: an FPN of 128 channels and a head of 256 on a ResNeXt-101 ("@128-256, X-64x4d-101" of NAS-FCOS).

Command:
    python tools/run_benchmark.py voc-fcos-resnext101-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=RESNEXT

RESNEXT is a ResNeXt-101 64x4d in torchvision's layout; the rest is as in voc-fcos-resnet101-v1. `--strategy nas_fcos` trains
the published decoder alone: 89.4 million parameters, 44.5 AP on test-dev (plain FCOS 43.2). Never run as a whole.
"""

like = "voc-fcos-resnet101-v1"
benchmark = {
    "id": "voc-fcos-resnext101-v1",
    "task.encoder.backbone": dict(type="mmdet.ResNeXt", groups=64, base_width=4),
    "task.encoder.checkpoint": "data/resnext101.pth",
    "final_space.channels": 128,
    "final_space.head_channels": 256,
}
