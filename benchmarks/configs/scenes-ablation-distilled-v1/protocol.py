"""scenes-ablation-distilled-v1: scenes-ablation-v1 with a teacher: 0.3 of the mean squared distance to its raw scores.

Command: python tools/run_benchmark.py ablations
The teacher is a DeepLabv3+ that learns first, on the training images alone and longer than any candidate. As published
(Nekrasov et al., CVPR 2019), it teaches while decoders learn on computed features; here it does in the final training as well.
"""

default_of = ["ablations"]
like = "scenes-ablation-v1"
benchmark = {
    "id": "scenes-ablation-distilled-v1",
    "task.teacher": dict(
        model=dict(
            decoder=dict(
                type="mmseg.DepthwiseSeparableASPPHead",
                channels=64,
                dilations=[1, 2, 3],
                c1_in_channels=8,
                c1_channels=16,
                norm_cfg=dict(type="BN"),
                dropout_ratio=0.0,
            )
        ),
        stage=dict(
            name="teacher",
            view=dict(size=[96, 96], eval_size=[128, 128], scale=[1.2, 1.8], jitter=0.2),
            recipe=dict(epochs=16, batch=16, lr=5e-3, encoder_lr=2e-3, schedule="poly", polyak=0.99),
        ),
    ),
    "stages.0.options.distill": 0.3,
    "final.options.distill": 0.3,
}
