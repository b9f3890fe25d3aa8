"""What a network is worth: a task trains it for a stage and scores it; a reward turns metrics into one number."""

from tasks.registry import TASKS
from tasks.rewards import REWARDS
from tasks.stage import Cost, Outcome, Stage
from tasks.task import Task

__all__ = ["REWARDS", "TASKS", "Cost", "Outcome", "Stage", "Task"]
