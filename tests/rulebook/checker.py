# SPDX-License-Identifier: Apache-2.0
"""
Check rulebooks in a process of its own, so that a crash of the interpreter is seen and limits can be set.

Reads one JSON list of [name, base64 of the content] from standard input; prints one JSON object for each.
"""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 20
ADDRESS_BYTES = 2 << 30


def check_elsewhere(books: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
    """Return what the checker printed for each rulebook; a crash or a limit fails with the rulebook's name."""
    request = json.dumps([(name, base64.b64encode(content).decode()) for name, content in books])
    run = subprocess.run(
        [sys.executable, "-m", "tests.rulebook.checker"],
        input=request.encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=300,
        check=False,
    )
    answers: list[dict[str, Any]] = [json.loads(line) for line in run.stdout.splitlines()]
    at = books[min(len(answers), len(books) - 1)][0]
    assert run.returncode == 0, f"checker ended with {run.returncode} at {at}: {run.stderr.decode()[-2000:]}"
    return answers


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    from marginrules.rulebook import render_json, render_text, validate  # noqa: PLC0415 - under the limits too

    for name, content in json.load(sys.stdin):
        text = base64.b64decode(content)
        before, start = _peak_kib(), time.process_time()
        found = validate(text, name)
        answer = {
            "text": render_text(found),
            "json": render_json(found),
            "seconds": time.process_time() - start,
            "grown_kib": _peak_kib() - before,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _peak_kib() -> int:
    # Not ru_maxrss: that includes what the parent was before it became this process.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
