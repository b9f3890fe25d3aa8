"""voc-fcos-resnet101-v1: voc-fcos-resnet50-v1 with a ResNet-101 ("@256, R-101" of NAS-FCOS).

Command:
    python tools/run_benchmark.py voc-fcos-resnet101-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=RESNET

RESNET is a ResNet-101 in torchvision's layout; the rest is as in voc-fcos-resnet50-v1. `--strategy nas_fcos` trains the
published decoder alone: 57.3 million parameters, 43.0 AP on test-dev (plain FCOS 41.5, RetinaNet 37.8). Published is also
that it trains for 180,000 iterations, with steps at 120,000 and 160,000; these 24 epochs end at 177,432. Never run as a
whole.
"""

like = "voc-fcos-resnet50-v1"
benchmark = {
    "id": "voc-fcos-resnet101-v1",
    "task.encoder.backbone.depth": 101,
    "task.encoder.checkpoint": "data/resnet101.pth",
    "final.recipe.epochs": 24,
    "final.recipe.schedule.1.milestones": [120_000, 160_000],
}
