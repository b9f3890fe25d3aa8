"""What a network is worth: a task trains it for a stage and scores it; a reward turns metrics into one number."""

from tasks.cost import Cost, Inherited, Outcome
from tasks.registry import TASKS
from tasks.rewards import REWARDS
from tasks.stage import Recipe, Stage, View
from tasks.task import Start, Task

__all__ = ["REWARDS", "TASKS", "Cost", "Inherited", "Outcome", "Recipe", "Stage", "Start", "Task", "View"]
