"""coco-ssdlite-fna-v1: coco-ssdlite-v4 with the detector and the augmentation of FNA's code (Fang et al., ICLR 2020).

Command:
    python tools/run_benchmark.py coco-ssdlite-fna-v1 --device cuda --cfg-options benchmark.proxy.data.data.root=COCO \\
        benchmark.task.data.root=COCO benchmark.proxy.encoder.checkpoint=FILE benchmark.task.encoder.checkpoint=FILE

Anchors are MMDetection's for images of 300 pixels, at 320, and boxes are suppressed from an overlap of 0.6 on. Training images
are those of SSD (Liu et al., ECCV 2016): distorted in colour, zoomed out of, cropped so that objects are left, resized
without their aspect, mirrored. Not as there: colours are divided by ImageNet's deviations, as of all encoders here. Never
run as a whole.
"""

like = "coco-ssdlite-v4"
template = dict(type="SSDLite", overlap=0.6, scales=[0.09375, 0.1875, 0.35625, 0.525, 0.69375, 0.8625, 1.03125])
transforms = [
    dict(type="PhotoMetricDistortion"),
    dict(type="Expand", mean=[123.675, 116.28, 103.53], to_rgb=True, ratio_range=(1, 4)),
    dict(type="MinIoURandomCrop", min_ious=(0.1, 0.3, 0.5, 0.7, 0.9), min_crop_size=0.3),
    dict(type="RandomFlip", prob=0.5),
]
benchmark = {
    "id": "coco-ssdlite-fna-v1",
    "proxy.template": template,
    "task.template": template,
    **{
        f"{stage}.view.{name}": value
        for stage in ("stages.0", "final")
        for name, value in (("scale", [1.0, 1.0]), ("jitter", 0.0), ("transforms", transforms))
    },
}
