"""Pages of the documentation's site that nobody writes: protocols, results, what papers report, the programming interface."""
