# SPDX-License-Identifier: Apache-2.0
"""A disk that refuses to write: the server stops at once, and what it acknowledged is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from marginrules._pb import book_pb2, escalation_pb2
from tests.faults.test_kill import ROOT, end, start
from tests.server import wire as w
from tests.server.wire import Wire

FILE_BYTES_MAX = 300_000  # of any file the server writes: the log of the journal reaches it soon


@pytest.mark.promise("MR-P17")
def test_first_failed_write_stops_the_server(tmp_path: Path) -> None:
    """At the first failed write the process exits with 70; a restart has what was acknowledged, and nothing twice."""
    journal = tmp_path / "journal.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.serve", str(journal), str(FILE_BYTES_MAX)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    wire = Wire(int(process.stdout.readline()))
    w.load(wire)
    acknowledged = deposit_until_refused(wire)
    wire.close()
    assert process.wait(20) == 70
    assert "MR-S102" in process.stderr.read()
    process.stdout.close()
    process.stderr.close()

    process, wire = start(journal)
    account = wire("BookService/GetAccount", book_pb2.GetAccountRequest(account_id="a1")).account
    assert account.pools[0].balances[0].amount - 1_000.0 in {acknowledged, acknowledged + 1}
    assert acknowledged > 10
    wire.close()
    process.terminate()
    end(process)


def deposit_until_refused(wire: Wire) -> int:
    """Deposit one dollar at a time until a deposit fails; return how many were acknowledged."""
    for number in range(10_000):
        request = escalation_pb2.RecordDepositRequest(
            request_id=f"d{number}", account_id="a1", asset="USD", amount=1.0, who="a", why="x" * 1_000
        )
        try:
            wire("EscalationService/RecordDeposit", request)
        except grpc.RpcError:
            return number
    raise AssertionError("the disk never filled")
