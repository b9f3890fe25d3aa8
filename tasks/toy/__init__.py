"""A task in closed form, for trying strategies in milliseconds."""

from tasks.toy.task import ToyTask

__all__ = ["ToyTask"]
