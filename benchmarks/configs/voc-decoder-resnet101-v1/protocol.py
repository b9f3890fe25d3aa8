"""voc-decoder-resnet101-v1: voc-decoder-v1 with a ResNet-101 as the encoder.

Command:
    python tools/run_benchmark.py voc-decoder-resnet101-v1 --device cuda --strategy arch0 arch1 arch2 --cfg-options \\
        benchmark.task.data.root=VOC2012 benchmark.task.encoder.checkpoint=FILE benchmark.task.teacher.weights=TEACHER

FILE is a ResNet-101 in torchvision's layout, learnt on ImageNet; the other places are those of voc-decoder-v1. Without
--strategy it searches as well, and computed features take 26 GB.

Published (Nekrasov et al., CVPR 2019) are the decoders arch0 to arch2, found and trained on a MobileNetV2 (voc-decoder-v1).
That they move to this encoder is our question: no paper has the answer. Never run as a whole: it wants a GPU for days.
"""

like = "voc-decoder-v1"
benchmark = {
    "id": "voc-decoder-resnet101-v1",
    "task.encoder": dict(
        _delete_=True,
        backbone=dict(type="mmseg.ResNet", depth=101),
        checkpoint="data/resnet101.pth",
    ),
}
