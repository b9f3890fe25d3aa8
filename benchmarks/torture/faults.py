"""Every fault by its name."""

from __future__ import annotations

from benchmarks.torture import batches, files, kills, machine
from benchmarks.torture.failing import failing
from benchmarks.torture.fault import Fault

WORKERS = ("--executor", "process", "--workers", 2)
FAILED = "a failed trial of that kind; all others come to what they come to"
SAME = "started again, it comes to what an undisturbed run comes to, but for times"
LOST = "started again, no trial is lost and none counted twice: the undisturbed run's, in any order"
ONE_LINE = f"the run ends in one line, exit code 1; {SAME}"

FAULTS = {
    "not_finite": Fault("networks that score NaN", FAILED, failing("not_finite", "NotFinite")),
    "exception": Fault("networks that raise", FAILED, failing("error", "Raising")),
    "hang": Fault(
        "networks that hang, with --patience", FAILED, failing("timeout", "Hanging", *WORKERS, patience=True)
    ),
    "worker_killed": Fault("networks that kill their worker", FAILED, failing("lost", "Deadly", *WORKERS)),
    "out_of_memory": Fault(
        "batches that a GPU has no memory for",
        "they go through in halves or quarters, which the trial records; else it has failed: out_of_memory",
        batches.out_of_memory,
    ),
    "memory": Fault("a limit on memory (RLIMIT_AS)", ONE_LINE, machine.memory),
    "disk": Fault("a disk that is full", ONE_LINE, machine.disk),
    "signals": Fault(
        "Ctrl-C and SIGTERM", "exit code 130 and 143, and one sentence how to go on, at any moment", machine.signals
    ),
    "cache": Fault("files of a cache are cut off", f"they are named and made again; {SAME}", files.truncated_cache),
    "checkpoint": Fault(
        "checkpoints are cut off",
        f"a training's is set aside with a line, and {SAME}; a supernet's is refused in one line",
        files.truncated_checkpoint,
    ),
    "pickles": Fault(
        "pickled code in checkpoints, a cache and weights", "it is refused and never executed", files.pickles
    ),
    "cold_starts": Fault("two runs at a time begin with an empty cache", "both are good", files.cold_starts),
    "kills": Fault("kill -9 at random moments, in one process, of four strategies", SAME, kills.inline),
    "kills_process": Fault(
        "kill -9 at random moments, of all or of one of 2 process workers",
        LOST,
        lambda settings: kills.with_workers(settings, "process", settings.process_kills),
    ),
    "kills_ray": Fault(
        "kill -9 at random moments, of all or of one of 2 Ray workers",
        LOST,
        lambda settings: kills.with_workers(settings, "ray", settings.ray_kills),
    ),
    "orphans": Fault("kill -9 of the study alone", "its workers end by themselves", kills.orphans),
}
