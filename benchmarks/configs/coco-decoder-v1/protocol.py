"""coco-decoder-v1: decoders with auxiliary cells for the joints of COCO, what Nekrasov et al. (CVPR 2019) transferred to.

Command:
    python tools/run_benchmark.py coco-decoder-v1 --device cuda --strategy arch0 arch1 arch2 --cfg-options \\
        benchmark.task.data.root=COCO benchmark.task.encoder.checkpoint=FILE

COCO is a folder as it is unpacked, with two more files, annotations/person_keypoints_fit.json and _metaval.json: the images of
person_keypoints_train2017.json but for 2,000, and these, which a search scores. FILE is a MobileNetV2 in torchvision's or
OpenMMLab's layout. For networks found on segmentation see docs/transfer.md.

Published and ours are as in mpii-decoder-v1. Persons are cut out by their annotated boxes; what the source took is not
printed. Never run: it wants the data, and a GPU.
"""

from tasks.keypoints.coco import CocoKeypoints

like = "mpii-decoder-v1"
seen = dict(size=[256, 192], eval_size=[256, 192])
joints = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist "
    "left_hip right_hip left_knee right_knee left_ankle right_ankle"
).split()
benchmark = {
    "id": "coco-decoder-v1",
    "task.data": dict(
        _delete_=True,
        type=CocoKeypoints,
        root="data/coco",
        joints=joints,
        splits=dict(
            train=dict(annotations="annotations/person_keypoints_fit.json", images="train2017"),
            metaval=dict(annotations="annotations/person_keypoints_metaval.json", images="train2017"),
        ),
    ),
    "task.input_size": [256, 192],
    "stages.0.view": dict(**seen, share=0.03),
    "stages.1.view": dict(**seen, share=0.15),
    "final.view": seen,
    "reward.name": "AP",
}
