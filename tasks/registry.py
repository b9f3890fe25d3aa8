"""The registries of tasks, and of the data that they are made of."""

from mmengine.registry import Registry

TASKS = Registry("task", scope="densebench", locations=["tasks.toy", "tasks.segmentation.task"])
DATA = Registry("data", scope="densebench", locations=["tasks.segmentation.data"])
