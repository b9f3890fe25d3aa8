"""Say what of this installation works: one line a finding, ok, note or problem, with what to do about a problem.

Packages beside the tested versions, compiled operations (which are run), device, cores and threads, memory, disk and cache,
optional packages, and with --data the folders of data sets, as tools/check_data.py checks them. Exit code 1: there is a
problem.
"""

from __future__ import annotations

from command_line import Parser, refuse, run, said

import json
from dataclasses import asdict
from itertools import chain, starmap
from pathlib import Path

from benchmarks.diagnosis import Finding, data_finding, diagnose


def data_folders(given: list[str]) -> list[tuple[str, Path]]:
    """Raises ValueError where one is not TASK=DIR."""
    pairs = [one.partition("=") for one in given]
    for one, (task, equals, folder) in zip(given, pairs, strict=True):
        if not (task and equals and folder):
            raise ValueError(f"--data {one}: write it as TASK=DIR, as in segmentation=data/camvid")
    return [(task, Path(folder)) for task, _, folder in pairs]


def line(finding: Finding) -> str:
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    return f"{finding.status:9}{said(f'{finding.about}: {finding.found}{remedy}')}"


def main() -> int:
    parser = Parser(description=__doc__)
    parser.add_argument("--work-dir", type=Path, default=Path("runs"), help="where runs will be written")
    parser.add_argument("--data", nargs="+", default=[], metavar="TASK=DIR", help="folders of data sets to check")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    options = parser.parse_args()
    try:
        folders = data_folders(options.data)
    except ValueError as error:
        refuse(error)
    findings = []
    for finding in chain(diagnose(options.work_dir), starmap(data_finding, folders)):
        findings.append(finding)
        if not options.json:
            print(line(finding), flush=True)
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    return 1 if any(finding.status == "problem" for finding in findings) else 0


if __name__ == "__main__":
    run(main)
