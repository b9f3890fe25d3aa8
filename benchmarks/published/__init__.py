"""Published networks: what makes each of them here, and their numbers beside the printed ones."""
