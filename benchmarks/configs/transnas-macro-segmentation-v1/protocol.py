"""transnas-macro-segmentation-v1: segmentation accuracy in %, of TransNAS-Bench-101's 3,256 macro networks, read from a table.

Command: python tools/run_benchmark.py transnas-macro-segmentation-v1
One training of each was published: the search sees what the final score is.
"""

like = "transnas-cell-segmentation-v1"
benchmark = {
    "id": "transnas-macro-segmentation-v1",
    "task.table": "transnas-macro",
    "space.table": "transnas-macro",
}
