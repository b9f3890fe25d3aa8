"""voc-fcos-resnet50-128-256-v1: voc-fcos-resnet50-v1 with an FPN of 128 channels and a head of 256 ("@128-256, R-50").

Command:
    python tools/run_benchmark.py voc-fcos-resnet50-128-256-v1 --device cuda --cfg-options \\
        benchmark.proxy.data.root=VOC2012 benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO \\
        benchmark.task.encoder.checkpoint=RESNET

Places, and what is published and what is ours, are those of voc-fcos-resnet50-v1 and voc-fcos-128-256-v1. `--strategy nas_fcos`
trains the published decoder alone: 31.8 million parameters, 39.1 AP on test-dev. Never run as a whole.
"""

like = "voc-fcos-resnet50-v1"
benchmark = {"id": "voc-fcos-resnet50-128-256-v1", "final_space.channels": 128, "final_space.head_channels": 256}
