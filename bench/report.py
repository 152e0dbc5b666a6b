# SPDX-License-Identifier: Apache-2.0
"""
Run every `measure()` of the bench, print one table and keep the figures.

    python -m bench.report             # some minutes
    python -m bench.report --short     # some seconds; as MARGINRULES_BENCH=short

The figures go to `bench/results/<name>.json` together with the machine and the commit. Without `--name` the name begins
with `local-`, and git ignores it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.timing import Row, is_short

_BENCH = Path(__file__).parent


def collect() -> list[Row]:
    """Run every `measure()` in the bench, file by file in the order of their names."""
    rows: list[Row] = []
    for path in sorted(_BENCH.glob("*.py")):
        if not path.stem.startswith(("test_", "measure_")):
            continue
        measure = getattr(importlib.import_module(f"bench.{path.stem}"), "measure", None)
        if measure is not None:
            print(f"{path.stem} ...", file=sys.stderr)
            rows += measure()
    return rows


def describe_machine() -> dict[str, object]:
    """Say what the figures were measured on: no figure means anything without it."""
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "cpu_count": os.cpu_count(),
        "load": [round(one, 2) for one in os.getloadavg()],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "compiler": _output("gcc", "--version").partition("\n")[0],
    }


def describe_commit() -> str:
    """Return the commit, with a mark where the tree has changes that are in no commit."""
    return _output("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=_BENCH)
    return done.stdout.strip() or "unknown"


def print_table(rows: list[Row], title: str) -> None:
    """Print one line a row; a row beyond its bar is red."""
    table = Table(title=title, title_justify="left")
    for name in ("name", "value", "rival", "ratio", "bar"):
        table.add_column(name, justify="left" if name in {"name", "rival"} else "right")
    for one in rows:
        ratio, bar = one["ratio"], one["bar"]
        is_over = ratio is not None and bar is not None and ratio > bar
        table.add_row(
            one["name"],
            f"{one['value']:,.1f} {one['unit']}",
            one["rival"],
            "" if ratio is None else f"{ratio:,.2f}",
            "" if bar is None else f"{bar:g}",
            style="red" if is_over else None,
        )
    Console(width=120 if not sys.stdout.isatty() else None).print(table)


def main() -> None:
    """Read the arguments, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="a quick look: fewer rounds, a smaller book")
    parser.add_argument("--name", help="name of the file to write, to be committed")
    arguments = parser.parse_args()
    if arguments.short:
        os.environ["MARGINRULES_BENCH"] = "short"
    commit, machine = describe_commit(), describe_machine()
    rows = collect()
    print_table(rows, f"commit {commit}, {machine['cpu_count']} x {machine['cpu']}, load {machine['load']}")
    target = _BENCH / "results" / f"{arguments.name or f'local-{commit}'}.json"
    target.parent.mkdir(exist_ok=True)
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    found = {"commit": commit, "time": moment, "short": is_short(), "machine": machine, "rows": rows}
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to bench/results/{target.name}")


if __name__ == "__main__":
    main()
