"""camvid-distilled-v1: camvid-decoder-v2 with a DeepLabv3 as the teacher: 0.3 of the mean squared distance to its raw scores.

Command:
    python tools/run_benchmark.py camvid-distilled-v1 --cfg-options benchmark.task.data.root=DIR \\
        benchmark.task.encoder.checkpoint=FILE

The teacher learns first, on the training images alone. It teaches while decoders learn on computed features, as published
(Nekrasov et al., CVPR 2019), and in the final training. For one that is trained already put
benchmark.task.teacher="dict(model=dict(...), weights='FILE')".
"""

like = "camvid-decoder-v2"
benchmark = {
    "id": "camvid-distilled-v1",
    "task.teacher": dict(
        model=dict(
            backbone=dict(
                type="mmseg.MobileNetV2",
                strides=[1, 2, 2, 2, 1, 1, 1],
                dilations=[1, 1, 1, 1, 1, 2, 2],
                out_indices=[1, 2, 4, 6],
            ),
            decoder=dict(
                type="mmseg.ASPPHead",
                channels=128,
                dilations=[1, 3, 6, 9],
                norm_cfg=dict(type="BN"),
                dropout_ratio=0.1,
            ),
        ),
        stage=dict(
            name="teacher",
            view=dict(size=[240, 320], eval_size=[360, 480], scale=[1.0, 2.0], jitter=0.3),
            recipe=dict(epochs=40, batch=8, lr=3e-3, encoder_lr=1e-3, weight_decay=1e-2, schedule="poly", polyak=0.99),
        ),
    ),
    "stages.0.options.distill": 0.3,
    "final.options.distill": 0.3,
}
