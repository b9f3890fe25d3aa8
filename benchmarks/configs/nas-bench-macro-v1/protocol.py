"""nas-bench-macro-v1: accuracy on CIFAR-10 in %, of the 6,561 networks of NAS-Bench-Macro, read from the published table.

Command: python tools/run_benchmark.py nas-bench-macro-v1
A search sees one of three trainings; the final score is the mean of all. Seconds count whole trainings.
"""

like = "transnas-cell-segmentation-v1"
benchmark = {
    "id": "nas-bench-macro-v1",
    "task.table": "nas-bench-macro",
    "space.table": "nas-bench-macro",
    "task.metric": "accuracy",
    "reward.name": "accuracy",
}
