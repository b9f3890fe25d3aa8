"""A task whose results are read from a table, for searches in milliseconds."""

from tasks.tabular.task import TabularTask

__all__ = ["TabularTask"]
