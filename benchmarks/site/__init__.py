"""The pages of the documentation's site that nobody writes: protocols, results, what papers report, the reference."""
