"""The command line: runs, resumes after a kill, refuses bad input in one line."""

from __future__ import annotations

import json
import runpy
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOY = ("toy", "--strategy", "random_search", "--seed", 0)


def lines(path: Path) -> list[dict]:
    """The records of a ledger without what differs from run to run: seconds."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        for stage in record["stages"]:
            del stage["cost"]["seconds"]
    return records


def test_the_contract_of_a_run(tool, tmp_path: Path) -> None:
    played = ("random_search", "successive_halving", "one_shot", "darts")
    command = ("run_benchmark", "toy", "--strategy", *played, "--seed", 0, 1, "--work-dir", tmp_path)
    done = tool(*command, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    for strategy in played:
        assert f"| {strategy}" in done.stdout
        for seed in (0, 1):
            folder = tmp_path / "toy-v2" / strategy / f"seed{seed}"
            result = json.loads((folder / "study.json").read_text())
            assert {"benchmark", "strategy", "seed", "answers", "cost", "trials", "device", "versions", "commit",
                    "protocol_hash", "primary", "higher_is_better"} <= result.keys()  # fmt: skip
            for answer in result["answers"]:
                assert answer.keys() == {"id", "key", "arch", "final"}
                assert answer["final"].keys() == {"metrics", "params", "madds", "latency_ms"}
            assert result["cost"].keys() == {"shared", "search", "failed", "retrain"}
            assert result["trials"].keys() == {"done", "stopped", "failed", "duplicate"}
            assert len(lines(folder / "trials.jsonl")) == sum(list(result["trials"].values())[:3])
    again = tool(*command)
    assert again.stdout == done.stdout
    assert again.stderr.count("is finished") == 2 * len(played)


@pytest.mark.parametrize("name", ["config.py", "config.json"])
def test_the_dumped_config_gives_the_same_run(tool, tmp_path: Path, name: str) -> None:
    tool("run_benchmark", *TOY, "--work-dir", tmp_path / "a")
    dumped = tmp_path / "a/toy-v2/random_search/seed0" / name
    assert tool("run_benchmark", dumped, "--work-dir", tmp_path / "b").returncode == 0
    ledgers = [tmp_path / name / "toy-v2/random_search/seed0/trials.jsonl" for name in "ab"]
    assert lines(ledgers[0]) == lines(ledgers[1])


@pytest.mark.parametrize(("strategy", "sizes"), [("random_search", (1, 2_000, 60_000)), ("codeepneat", (60_000,))])
def test_killed_at_any_moment_it_goes_on(tool, tmp_path: Path, strategy: str, sizes: tuple[int, ...]) -> None:
    """Kill the process as soon as the ledger has grown, several times over; the ledger ends as if nothing had happened."""
    toy = ("toy", "--strategy", strategy, "--seed", 0)
    slow = ("--cfg-options", "benchmark.budget.trials=400", "benchmark.budget.images=None")
    tool("run_benchmark", *toy, *slow, "--work-dir", tmp_path / "whole")
    ledger = tmp_path / f"cut/toy-v2/{strategy}/seed0/trials.jsonl"
    command = [sys.executable, "tools/run_benchmark.py", *map(str, toy), *slow, "--work-dir", str(tmp_path / "cut")]
    for least in sizes:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not ledger.exists() or ledger.stat().st_size < least):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (ledger.parent / "study.json").exists() or len(lines(ledger)) == 400
    done = tool("run_benchmark", *toy, *slow, "--work-dir", tmp_path / "cut")
    assert done.returncode == 0, done.stderr
    whole = tmp_path / f"whole/toy-v2/{strategy}/seed0"
    assert lines(ledger) == lines(whole / "trials.jsonl")
    first, second = (json.loads((folder / "study.json").read_text()) for folder in (whole, ledger.parent))
    for result in (first, second):
        for answer in result["answers"]:
            del answer["final"]["latency_ms"]
    assert first["answers"] == second["answers"]


def refused(done: subprocess.CompletedProcess[str], *sentences: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    for sentence in sentences:
        assert sentence in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("tooy",), "unknown benchmark 'tooy': did you mean 'toy'"),
        (("toy", "--strategy", "random_serch"), "did you mean 'random_search'"),
        (("nowhere/config.py",), "there is no config nowhere/config.py"),
        (("toy", "--cfg-options", "nonsense"), "--cfg-options nonsense: write it as a.b=c"),
        (("toy", "--cfg-options", "benchmark.budget.trial=3"), "did you mean 'trials'"),
        (("toy", "--cfg-options", "benchmark.seeds=0"), "seeds of the benchmark must be a list, not 0"),
        (("toy", "--cfg-options", "benchmark.stages.0.recipe.epochs=-1"), "epochs must not be negative"),
        (("toy", "--cfg-options", "benchmark.stages.0.view.jitter=0.1"), "sets jitter, which means nothing to ToyTask"),
        (("toy", "--cfg-options", "benchmark.space.depth=3"), "depth"),
        (("toy", "--cfg-options", "strategy.type=NoSuchStrategy"), "NoSuchStrategy"),
        (("toy", "--cfg-options", "benchmark.reward.name=scor"), "did you mean 'score'"),
        (("toy", "--workers", "2"), "the inline executor has one worker"),
        (("toy", "--executor", "cloud"), "invalid choice: 'cloud'"),
        (("toy", "--seed", "one"), "invalid int value: 'one'"),
        (("toy", "--device", "cuda"), "this torch sees no GPU"),
        ((), "required: benchmark"),
    ],
)
def test_bad_arguments(tool, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    if "cuda" in arguments:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    refused(tool("run_benchmark", *arguments, "--work-dir", tmp_path / "runs"), sentence)
    assert not (tmp_path / "runs").exists()


def test_a_config_that_does_not_parse(tool, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("benchmark = dict(\n")
    refused(tool("run_benchmark", tmp_path / "broken.py"), "broken.py cannot be read as a config")
    (tmp_path / "empty.py").write_text("x = 1\n")
    refused(tool("run_benchmark", tmp_path / "empty.py"), "has no 'benchmark'")


def test_a_ledger_of_another_protocol(tool, tmp_path: Path) -> None:
    assert tool("run_benchmark", *TOY, "--work-dir", tmp_path).returncode == 0
    before = (tmp_path / "toy-v2/random_search/seed0/trials.jsonl").read_bytes()
    done = tool("run_benchmark", *TOY, "--work-dir", tmp_path, "--cfg-options", "benchmark.stages.1.recipe.epochs=5")
    refused(done, "another protocol", "benchmark.stages.1.recipe.epochs", "--work-dir")
    done = tool("run_benchmark", *TOY, "--work-dir", tmp_path, "--cfg-options", "benchmark.task.noise=5.0")
    refused(done, "another protocol", "benchmark.task.noise")
    assert (tmp_path / "toy-v2/random_search/seed0/trials.jsonl").read_bytes() == before


def test_a_damaged_ledger(tool, tmp_path: Path) -> None:
    tool("run_benchmark", *TOY, "--work-dir", tmp_path)
    folder = tmp_path / "toy-v2/random_search/seed0"
    (folder / "study.json").unlink()
    text = (folder / "trials.jsonl").read_text()
    (folder / "trials.jsonl").write_text("garbage\n" + text)
    refused(tool("run_benchmark", *TOY, "--work-dir", tmp_path), "trials.jsonl, line 1 is not a trial")


def segmentation(root: Path, work: Path, *options: str) -> tuple[str, ...]:
    place = f"benchmark.task.data.root={root}"
    encoder = ("benchmark.task.encoder.width=0.1", "benchmark.task.encoder.checkpoint=None")
    small = ("benchmark.task.data.layout=folders", "benchmark.budget.trials=1", *encoder)
    return (
        "camvid-decoder-v2",
        "--strategy",
        "random_search",
        "--work-dir",
        str(work),
        "--cfg-options",
        place,
        *small,
        *options,
    )


def test_a_whole_run_on_a_folder_and_its_stock_config(tool, folder_data: Path, tmp_path: Path) -> None:
    """Search, retrain, and take the network home: MMSegmentation builds `model.py` and loads `final.pth` by itself."""
    short = [f"benchmark.{stage}.{setting}" for stage in ("stages.0", "stages.1", "final")
             for setting in ("recipe.epochs=1", "view.size=[64,64]", "view.eval_size=[64,64]")]  # fmt: skip
    done = tool("run_benchmark", *segmentation(folder_data, tmp_path, *short))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "camvid-decoder-v2/random_search/seed0"
    code = (
        "import sys, torch; from mmengine.config import Config; from mmengine.runner import load_checkpoint;"
        "from mmseg.registry import MODELS; from mmseg.utils import register_all_modules; register_all_modules();"
        "network = MODELS.build(Config.fromfile('model.py').model);"
        "load_checkpoint(network, 'final.pth', strict=True); network.eval();"
        "print(tuple(network(torch.zeros(1, 3, 64, 64)).shape[:2]), sum(p.numel() for n, p in network.named_parameters()"
        " if '.aux.' not in n))"
    )
    home, command = folder / "answers/0", [sys.executable, "-c", code]
    built = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (answer,) = json.loads((folder / "study.json").read_text())["answers"]
    assert built.stdout.splitlines()[-1] == f"(1, 3) {answer['final']['params']}"


def damage_size(root: Path) -> None:
    from PIL import Image

    Image.new("L", (47, 40)).save(root / "masks/train/p0.png")


def damage_label(root: Path) -> None:
    from PIL import Image

    Image.new("L", (48, 40), 9).save(root / "masks/test/p0.png")


def damage_image(root: Path) -> None:
    path = root / "images/val/p0.jpg"
    path.write_bytes(path.read_bytes()[:300])


def damage_folder(root: Path) -> None:
    shutil.rmtree(root / "images")


@pytest.mark.parametrize(
    ("damage", "sentences"),
    [
        (damage_size, ("p0.png is 47x40, its image 48x40",)),
        (damage_label, ("p0.png holds the label 9, which is none of the 3 classes",)),
        (damage_image, ("p0.jpg cannot be decoded",)),
        (damage_folder, ("there is no folder", "data/images/")),
    ],
)
def test_bad_data_is_refused_before_anything_is_written(
    tool, folder_data: Path, tmp_path: Path, damage, sentences
) -> None:
    damage(folder_data)
    refused(tool("run_benchmark", *segmentation(folder_data, tmp_path / "runs")), *sentences)
    assert not (tmp_path / "runs").exists()


def test_a_missing_dataset(tool, tmp_path: Path) -> None:
    refused(
        tool("run_benchmark", *segmentation(tmp_path / "nowhere", tmp_path / "runs")), "there is no folder", "nowhere"
    )


def test_a_checkpoint_that_does_not_fit(tool, folder_data: Path, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "other.pth"
    torch.save({"conv1.conv.weight": torch.zeros(1)}, path)
    option = f"benchmark.task.encoder.checkpoint={path}"
    refused(tool("run_benchmark", *segmentation(folder_data, tmp_path / "runs", option)), "does not fit the encoder")
    option = f"benchmark.task.encoder.checkpoint={tmp_path / 'missing.pth'}"
    refused(tool("run_benchmark", *segmentation(folder_data, tmp_path / "runs", option)), "there is no checkpoint")


def test_a_search_in_which_everything_fails_leaves_with_one(tool, tmp_path: Path) -> None:
    """Of forty layers some have the activation that always fails."""
    options = ("benchmark.task.broken=relu", "benchmark.budget.trials=1", "benchmark.space.layers=40")
    done = tool("run_benchmark", *TOY, "--work-dir", tmp_path, "--cfg-options", *options)
    assert done.returncode == 1
    assert "all 1 trials failed" in done.stderr
    assert "Traceback" not in done.stderr


def hears_interrupts() -> None:
    """What a shell runs in the background, the suite say, ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    budget = ("benchmark.budget.trials=100000", "benchmark.budget.images=None")
    options = ["--cfg-options", *budget, "benchmark.space.layers=12"]
    command = [sys.executable, "tools/run_benchmark.py", *map(str, TOY), "--work-dir", str(tmp_path), *options]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=hears_interrupts)
    ledger = tmp_path / "toy-v2/random_search/seed0/trials.jsonl"
    while not ledger.exists() or not ledger.stat().st_size:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert "the same command goes on from here" in stderr
    assert "Traceback" not in stderr


def test_a_clock_runs_while_nothing_else_is_told_and_leaves_nothing(monkeypatch, capsys) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    tool = runpy.run_path(str(ROOT / "tools" / "run_benchmark.py"))
    waiting = tool["waiting"]
    with waiting("at once"):
        pass
    assert not capsys.readouterr().err
    monkeypatch.setitem(waiting.__wrapped__.__globals__, "EVERY", 0.2)
    seen, more = threading.Event(), tool["tqdm"].display
    monkeypatch.setattr(
        tool["tqdm"], "display", lambda self, *given, **named: (more(self, *given, **named), seen.set())[0]
    )
    with waiting("the encoder"):
        assert seen.wait(60)
    shown = capsys.readouterr().err
    assert "the encoder 00:00" in shown
    assert shown.endswith("\r")
