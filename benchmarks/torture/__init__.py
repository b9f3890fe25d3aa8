"""Faults that are injected into runs, what is promised for each, and whether that is met (`tools/torture.py`)."""
