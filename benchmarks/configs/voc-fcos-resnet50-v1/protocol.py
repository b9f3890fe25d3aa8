"""voc-fcos-resnet50-v1: voc-fcos-v3 with final networks on a ResNet-50 ("@256, R-50" of NAS-FCOS).

Command:
    python tools/run_benchmark.py voc-fcos-resnet50-v1 --device cuda --cfg-options benchmark.proxy.data.root=VOC2012 \\
        benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=RESNET

RESNET is a ResNet-50 in torchvision's layout, the other places are those of voc-fcos-v3. `--strategy nas_fcos` trains the
published decoder alone: 38.4 million parameters, 39.8 AP on test-dev (plain FCOS 37.4, RetinaNet 36.1).

Published: that the search saw a MobileNetV2, and the frozen stem, first stage and norms. The strides of the ResNet are
torchvision's, not Caffe's, as its weights are. All else is as in voc-fcos-v3. Never run as a whole.
"""

like = "voc-fcos-v3"
benchmark = {
    "id": "voc-fcos-resnet50-v1",
    "task.encoder": dict(
        _delete_=True,
        backbone=dict(type="mmdet.ResNet", depth=50, frozen_stages=1, norm_cfg=dict(type="BN", requires_grad=False)),
        checkpoint="data/resnet50.pth",
    ),
}
