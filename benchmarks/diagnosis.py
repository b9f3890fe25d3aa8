"""What of an installation works: packages, compiled operations, device, threads, memory, disk.

Each check runs in a process of its own (`python -m benchmarks.diagnosis CHECK FOLDER`): what cannot be imported, or dies, is a
finding, and this module needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
PINS, CHECK_DATA = ROOT / "constraints.txt", ROOT / "tools" / "check_data.py"
PROJECT = "densebench"
PYTHONS = ((3, 10), (3, 13))
GIB = 1 << 30
LEAST_MEMORY, LEAST_DISK = 2 * GIB, 2 * GIB  # of a run of an embedded benchmark, with some air
SLOWEST = 300  # seconds of a check; a first import from a slow disk takes half a minute
INSTALL = "run make install"
OPTIONAL = {
    "optuna": "benchmarks/black_boxes",
    "optunahub": "benchmarks/black_boxes",
    "syne-tune": "benchmarks/black_boxes",
    "onnx": "exported models",
    "onnxruntime": "exported models",
    "safetensors": "exported models",
    "tensorboard": "curves in TensorBoard",
    "mlflow": "curves in MLflow",
    "wandb": "curves in Weights & Biases",
}


@dataclass(frozen=True)
class Finding:
    """What was found about something; of a problem, `remedy` says what to do."""

    status: Literal["ok", "note", "problem"]
    about: str
    found: str
    remedy: str = ""


def diagnose(work_dir: Path) -> Iterator[Finding]:
    """The findings of all checks, as they come."""
    for name in CHECKS:
        yield from _isolated(name, work_dir.resolve())


def data_finding(task: str, folder: Path) -> Finding:
    """What tools/check_data.py says of a data set's folder."""
    command = [sys.executable, str(CHECK_DATA), task, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    about, found = f"{task} in {folder}", said[-1].removeprefix("error: ") if said else f"exit code {done.returncode}"
    if done.returncode == 0:
        return Finding("ok", about, found)
    return Finding("problem", about, found, f"see python tools/check_data.py {task} {folder}, and docs/data.md")


def _isolated(name: str, work_dir: Path) -> Iterator[Finding]:
    """What a check finds in a process of its own, and how that ended where it failed."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.diagnosis", name, str(work_dir)]
    remedy = CHECKS[name][1]
    try:
        how = dict(cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=SLOWEST)
        done = subprocess.run(command, check=False, **how)  # type: ignore[call-overload]
    except subprocess.TimeoutExpired:
        yield Finding("problem", name, f"nothing after {SLOWEST} seconds", remedy)
        return
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            yield Finding(**json.loads(line.removeprefix(_MARK)))
    if done.returncode:
        died = done.returncode < 0
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        yield Finding("problem", name, f"died of {signal.Signals(-done.returncode).name}" if died else said[-1], remedy)


_MARK = "finding "  # libraries print, too


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    lowest, highest = (".".join(map(str, version)) for version in PYTHONS)
    known = PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]
    remedy = "" if known else f"use Python {lowest} to {highest}: make install PYTHON=..."
    yield Finding("ok" if known else "problem", "Python", f"{platform.python_version()} ({sys.executable})", remedy)
    lines = [line for line in PINS.read_text().splitlines() if line.strip() and not line.startswith("#")]
    pins = [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()]
    tested = {_plain(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    try:
        needs = [need for need in map(Requirement, metadata.requires(PROJECT) or ()) if need.marker is None]
    except metadata.PackageNotFoundError:
        yield Finding("problem", PROJECT, "not installed: tools run, editors and type checkers do not find it", INSTALL)
        needs = [Requirement(name) for name in ("torch", "mmengine", "mmcv", "mmdet", "mmsegmentation")]
    for need in needs:
        yield _package(need.name, need.specifier.contains, str(need.specifier), tested.pop(_plain(need.name), ""))
    others = {name: (_version(name), version) for name, version in tested.items()}
    moved = [f"{name} {own} (tested: {pin})" for name, (own, pin) in others.items() if own and own != pin]
    same = sum(own == pin for own, pin in others.values())
    yield Finding("note" if moved else "ok", "what these need", "; ".join([f"{same} packages as tested", *moved]))


def _package(name: str, fits: Callable[[str], bool], wanted: str, tested: str) -> Finding:
    """A package that the suite needs, beside what pyproject.toml asks for and what was tested."""
    version = _version(name)
    if version is None:
        module = {"mmsegmentation": "mmseg"}.get(name, name.replace("-", "_"))
        owners = metadata.packages_distributions().get(module, [])
        if owners:
            return Finding("note", name, f"its modules are those of {owners[0]} {_version(owners[0])}: not tested")
        return Finding("problem", name, "not installed", INSTALL)
    if not fits(version):
        return Finding("problem", name, f"{version}, and the suite needs {wanted}", INSTALL)
    if tested and version.partition("+")[0] != tested:
        return Finding("note", name, f"{version} (tested: {tested})")
    return Finding("ok", name, version)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _operations() -> Iterator[Finding]:
    import torch
    from mmcv.ops import ModulatedDeformConv2d, nms

    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]], device=device)
        _, kept = nms(boxes, torch.tensor([0.5, 0.9, 0.7], device=device), 0.5)
        yield _right(f"mmcv's NMS on {device}", kept.tolist() == [1, 2])
        layer, x = ModulatedDeformConv2d(2, 2, 3, padding=1, bias=False), torch.arange(50.0).view(1, 2, 5, 5)
        layer, x = layer.to(device), x.to(device)
        still, open_ = x.new_zeros(1, 18, 5, 5), x.new_ones(1, 9, 5, 5)
        plain = torch.nn.functional.conv2d(x, layer.weight, padding=1)
        same = torch.allclose(layer(x, still, open_), plain, rtol=1e-2, atol=1e-2)  # a GPU may round to TF32
        yield _right(f"mmcv's deformable convolution on {device}", same)


def _scores() -> Iterator[Finding]:
    from tasks.detection.metrics import coco_metrics

    box = dict(image_id=1, category_id=1, bbox=[2.0, 2.0, 40.0, 40.0])
    truth = dict(
        images=[dict(id=1, width=64, height=64)],
        categories=[dict(id=1, name="object")],
        annotations=[dict(id=1, area=1600.0, iscrowd=0, **box)],
    )
    yield _right("COCO's scores (faster-coco-eval)", round(coco_metrics(truth, [dict(score=0.9, **box)])["mAP"]) == 100)


def _right(about: str, right: bool) -> Finding:
    return Finding("ok", about, "works") if right else Finding("problem", about, "computes something else", INSTALL)


def _device() -> Iterator[Finding]:
    import torch

    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        seen = torch.cuda.get_device_properties(number)
        yield Finding("ok", f"GPU {number}", f"{seen.name}, {seen.total_memory / GIB:.1f} GiB")
    if not torch.cuda.is_available() and shutil.which("nvidia-smi"):
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
        if listed.returncode == 0 and listed.stdout.strip():
            name, remedy = listed.stdout.splitlines()[0].partition(" (UUID")[0], "make install TORCH=2.13.0+cu130"
            yield Finding("problem", "GPU", f"{name} is there, and torch {torch.__version__} does not see it", remedy)
    level = torch.backends.cpu.get_cpu_capability()
    yield Finding("ok", "CPU", f"{_processor()}; torch uses {level}")


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text().splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _threads() -> Iterator[Finding]:
    from benchmarks.executors import cores, threads_each

    count, quota = cores(), cpu_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    yield Finding("ok", "cores", f"{count} of {os.cpu_count()} may be used")
    given = os.environ.get("OMP_NUM_THREADS", "")
    threads, allowed = threads_each(1), count if quota is None else max(1, int(quota))
    if given and not (given.isdecimal() and int(given)):
        yield Finding("problem", "OMP_NUM_THREADS", f"{given!r} is no number of threads", "unset it, or give a number")
    elif threads > allowed:
        why = f"{threads} threads" + (f", and this container has {quota:.1f} cores of time" if quota else "")
        yield Finding("problem", "threads", f"{why}: they wait for each other", f"set OMP_NUM_THREADS={allowed}")
    else:
        yield Finding("ok", "threads", f"{threads} for one run" + (f" (OMP_NUM_THREADS={given})" if given else ""))
    if os.environ.get("OMP_WAIT_POLICY", "PASSIVE").upper() != "PASSIVE":
        yield Finding("note", "OMP_WAIT_POLICY", "threads that wait spin: slow where cores are shared; unset it")


def cpu_quota(table: Path, mount: Path) -> float | None:
    """Cores' worth of time that the control groups in `table`, below `mount`, leave this process; None: no limit."""
    quotas = []
    for line in table.read_text().splitlines() if table.is_file() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = mount / controllers
        group = root / path.lstrip("/")
        for folder in (one for one in (group, *group.parents) if one.is_relative_to(root)):
            files = [folder / name for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
            files = files if controllers else [folder / "cpu.max"]
            numbers = " ".join(file.read_text() for file in files if file.is_file()).split()
            if len(numbers) == 2 and numbers[0] not in ("max", "-1"):
                quotas.append(int(numbers[0]) / int(numbers[1]))
    return min(quotas, default=None)


def _memory() -> Iterator[Finding]:
    from strategies.supernet.free_memory import free_memory

    free = free_memory("cpu")
    small = free < LEAST_MEMORY
    remedy = f"end other programs, until {LEAST_MEMORY / GIB:.0f} GiB are free" if small else ""
    yield Finding("problem" if small else "ok", "memory", f"{free / GIB:.1f} GiB are free", remedy)


def _disk(work_dir: Path) -> Iterator[Finding]:
    import fcntl

    there = next(folder for folder in (work_dir, *work_dir.parents) if folder.is_dir())
    with tempfile.TemporaryFile(dir=there) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    free = shutil.disk_usage(there).free
    small = free < LEAST_DISK
    remedy = f"make room for {LEAST_DISK / GIB:.0f} GiB, or choose another --work-dir" if small else ""
    yield Finding("problem" if small else "ok", "disk", f"{free / GIB:.1f} GiB are free at {there}", remedy)
    cache = work_dir / "cache"
    sizes = {path: path.stat().st_size for path in cache.rglob("*") if path.is_file()}
    bad = sum(size for path, size in sizes.items() if path.relative_to(cache).parts[0].endswith(".bad"))
    found = f"{sum(sizes.values()) / GIB:.2f} GiB in {cache}"
    found += f", of which {bad / GIB:.2f} GiB were set aside as damaged (*.bad): remove them" if bad else ""
    yield Finding("note" if bad else "ok", "cache", found)


def _optional() -> Iterator[Finding]:
    for name, use in OPTIONAL.items():
        version = _version(name)
        yield Finding("note" if version is None else "ok", name, version or f"not installed; for {use}")


CHECKS: dict[str, tuple[Callable[..., Iterator[Finding]], str]] = {
    "packages": (_packages, INSTALL),
    "mmcv's operations": (_operations, f"remove .venv and {INSTALL}, which compiles them"),
    "COCO's scores": (_scores, INSTALL),
    "device": (_device, INSTALL),
    "threads": (_threads, INSTALL),
    "memory": (_memory, INSTALL),
    "disk": (_disk, "choose a --work-dir that can be written to, and whose disk knows locks (flock)"),
    "optional packages": (_optional, INSTALL),
}


def _main() -> None:
    name, work_dir = sys.argv[1:]
    check = CHECKS[name][0]
    try:
        for finding in check(Path(work_dir)) if check is _disk else check():
            print(_MARK + json.dumps(asdict(finding)), flush=True)
    except BaseException as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    _main()
