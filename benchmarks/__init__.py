"""The contest: a benchmark fixes the rules, a study plays one strategy under them, the leaderboard compares studies."""
