"""The registries of tasks, and of the data that they are made of."""

from mmengine.registry import Registry

TASKS = Registry(
    "task",
    scope="densebench",
    locations=["tasks.toy", "tasks.segmentation.task", "tasks.detection.task", "tasks.restoration.task"],
)
DATA = Registry(
    "data",
    scope="densebench",
    locations=[
        "tasks.segmentation.data",
        *(f"tasks.detection.{name}" for name in ("data", "coco", "voc", "subset")),
        *(f"tasks.restoration.{name}" for name in ("data", "folders")),
    ],
)
