"""mpii-decoder-v1: decoders with auxiliary cells for the joints of MPII, what Nekrasov et al. (CVPR 2019) transferred to.

Command:
    python tools/run_benchmark.py mpii-decoder-v1 --device cuda --strategy arch0 arch1 arch2 --cfg-options \\
        benchmark.task.data.root=MPII benchmark.task.encoder.checkpoint=FILE

MPII is a folder with images, and annot/train.json, annot/metaval.json and annot/val.json, each person with its head_box: train
and metaval are the images of the usual training file, dealt out 9 to 1, and metaval is what a search scores. FILE is a
MobileNetV2 in torchvision's or OpenMMLab's layout. For networks found on segmentation see docs/transfer.md.

Published: the three networks, of 64 channels, that they were searched for another task, and what they came to. By what they
learnt joints was not: heat maps, crops and the final training are as of Xiao et al. (ECCV 2018), the stages of the search those
of voc-decoder-v1 on as many crops. The budget is that of 2,000 candidates. Never run: it wants the data, and a GPU.
"""

from tasks.keypoints.mpii import MpiiKeypoints
from tasks.keypoints.task import KeypointTask
from tasks.rewards import Metric

like = "voc-decoder-v1"
seen = dict(size=[256, 256], eval_size=[256, 256], scale=[0.8, 1.25])
benchmark = {
    "id": "mpii-decoder-v1",
    "task": dict(
        _delete_=True,
        type=KeypointTask,
        data=dict(type=MpiiKeypoints, root="data/mpii"),
        encoder=dict(checkpoint="data/mobilenet_v2.pth", expanded=True),
        sigma=2.0,
        input_size=[256, 256],
        features_dtype="float16",
    ),
    "stages.0.view": dict(**seen, share=0.2),
    "stages.0.options.distill": 0.0,
    "stages.1.view": seen,
    "final.view": seen,
    "final.recipe.epochs": 140,
    "reward": dict(_delete_=True, type=Metric, name="PCKh"),
    "budget.images": 90_000_000,
}
