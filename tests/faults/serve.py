# SPDX-License-Identifier: Apache-2.0
"""Run a server for the fault tests: python -m tests.faults.serve JOURNAL [BYTES]; prints its port."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from marginrules.server.app import Server
from marginrules.server.settings import Settings

RULEBOOK = Path(__file__).parent.parent.parent / "rules" / "smallest" / "rulebook.yaml"

if __name__ == "__main__":
    if len(sys.argv) > 2:  # no file may grow beyond this
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    server = Server(Settings(rulebook=RULEBOOK, journal=Path(sys.argv[1]), port=0, metrics_port=0))
    sys.stdout.write(f"{server.start()}\n")
    sys.stdout.flush()
    raise SystemExit(server.run())
