"""The registry of tasks."""

from mmengine.registry import Registry

TASKS = Registry("task", scope="densebench", locations=["tasks.toy"])
