"""voc-fcos-resnext101-improved-v1: voc-fcos-resnext101-v1 trained with the later improvements of FCOS ("w/ improvements").

Command:
    python tools/run_benchmark.py voc-fcos-resnext101-improved-v1 --device cuda --cfg-options \\
        benchmark.proxy.data.root=VOC2012 benchmark.proxy.encoder.checkpoint=FILE benchmark.task.data.root=COCO \\
        benchmark.task.encoder.checkpoint=RESNEXT

Places are those of voc-fcos-resnext101-v1. `--strategy nas_fcos` trains the published decoder alone: 89.4 million parameters,
46.1 AP on test-dev (plain FCOS 44.7). What the improvements are, NAS-FCOS does not list; these are those of FCOS's own code:
samples in the centres of objects, distances in strides, centerness beside the boxes, and the GIoU loss. Never run as a whole.
"""

like = "voc-fcos-resnext101-v1"
benchmark = {
    "id": "voc-fcos-resnext101-improved-v1",
    "task.template.head": dict(
        center_sampling=True,
        norm_on_bbox=True,
        centerness_on_reg=True,
        loss_bbox=dict(type="mmdet.GIoULoss", loss_weight=1.0),
    ),
}
