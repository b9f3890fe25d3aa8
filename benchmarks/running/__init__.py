"""How a study runs: its jobs, where their weights lie, and what becomes of its answers."""
