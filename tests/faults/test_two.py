# SPDX-License-Identifier: Apache-2.0
"""Two servers on one journal: the second is refused, and the first does not notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from marginrules._pb import book_pb2
from tests.faults.test_kill import ROOT, end, start
from tests.server import wire as w


def test_second_process_is_refused(tmp_path: Path) -> None:
    """A second process on a journal that is held exits with 70 and says why; once the first is gone it may have it."""
    journal = tmp_path / "journal.db"
    first, wire = start(journal)
    w.load(wire)
    second = subprocess.run(
        [sys.executable, "-m", "marginrules", "serve", "--journal", str(journal), "--port", "0", "--metrics-port", "0"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert second.returncode == 70
    assert "MR-S104" in second.stderr
    assert str(journal) in second.stderr
    w.mark(wire, 101.0)
    wire.close()
    first.terminate()
    end(first)

    third, wire = start(journal)
    request = book_pb2.GetAccountRequest(account_id="a1")
    assert wire("BookService/GetAccount", request).account.account_id == "a1"
    wire.close()
    third.terminate()
    end(third)
