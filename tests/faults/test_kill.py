# SPDX-License-Identifier: Apache-2.0
"""
Kill the real server with SIGKILL under load, again and again.

Each client deposits 1 USD under a request id of its own, and retries an id whose outcome it does not know until it is
acknowledged. A lost acknowledgement or an effect applied twice therefore shows in a balance, to the dollar.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from marginrules._pb import book_pb2, check_pb2, escalation_pb2
from marginrules.journal import SqliteJournal, verify_chain
from marginrules.service.past import recompute
from marginrules.service.shard import Shard
from tests.server import wire as w
from tests.server.wire import Wire

CLIENTS = 4
ROOT = Path(__file__).parent.parent.parent


@dataclass
class Book:
    """Count what one client sent and what was acknowledged."""

    name: str
    sent: int = 0
    acknowledged: int = 0
    retried: int = 0
    unknown: str = ""  # the request id whose outcome is not known
    held: set[str] = field(default_factory=set)


def start(journal: Path) -> tuple[subprocess.Popen[str], Wire]:
    """Start a server in a process of its own."""
    command = [sys.executable, "-m", "tests.faults.serve", str(journal)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    assert port, "the server did not start"
    return process, Wire(int(port))


def end(process: subprocess.Popen[str]) -> None:
    """Wait for a process and close its pipe."""
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def deposit_until_killed(wire: Wire, book: Book) -> None:
    """Deposit one dollar at a time until the server is gone."""
    while True:
        request_id = book.unknown or f"{book.name}-{book.sent}"
        book.retried += bool(book.unknown)
        book.sent += not book.unknown
        book.unknown = request_id
        try:
            wire(
                "EscalationService/RecordDeposit",
                escalation_pb2.RecordDepositRequest(
                    request_id=request_id, account_id=book.name, asset="USD", amount=1.0, who="client", why="load"
                ),
                timeout=10.0,
            )
            book.acknowledged += 1
            book.unknown = ""
            if book.acknowledged % 5 == 0:
                hold(wire, book)
        except grpc.RpcError:
            return


def hold(wire: Wire, book: Book) -> None:
    """Hold the margin of one order; an acknowledged hold must outlive the process."""
    name = f"{book.name}-order-{book.acknowledged}"
    request = check_pb2.CheckOrderRequest(
        account_id=book.name, order=w.order(0.001, name=name), hold=True, request_id=name
    )
    if wire("CheckService/CheckOrder", request).decision.held:
        book.held.add(name)


def balance(wire: Wire, name: str) -> float:
    """Return an account's dollars."""
    account = wire("BookService/GetAccount", book_pb2.GetAccountRequest(account_id=name)).account
    return float(account.pools[0].balances[0].amount)


def run_rounds(journal: Path, rounds: int) -> list[Book]:
    """Start, load, kill; then count."""
    draw = random.Random(1)  # noqa: S311 - the moments of the kills, to be the same each time
    process, wire = start(journal)
    w.load(wire, accounts=CLIENTS + 1)
    called = book_pb2.UpdateAccountsRequest(request_id="called", accounts=[w.account(f"a{CLIENTS}", 2, 450.0)])
    wire("BookService/UpdateAccounts", called)
    books = [Book(f"a{number}") for number in range(CLIENTS)]
    for _ in range(rounds):
        threads = [threading.Thread(target=deposit_until_killed, args=(wire, book)) for book in books]
        for thread in threads:
            thread.start()
        time.sleep(draw.uniform(0.01, 0.12))
        os.kill(process.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        end(process)
        wire.close()
        process, wire = start(journal)
        w.mark(wire, 100.0)
    for book in books:  # outcomes that are still unknown are asked for once more
        if book.unknown:
            request = escalation_pb2.RecordDepositRequest(
                request_id=book.unknown, account_id=book.name, asset="USD", amount=1.0, who="client", why="load"
            )
            wire("EscalationService/RecordDeposit", request)
            book.acknowledged += 1
        assert balance(wire, book.name) == 1_000.0 + book.acknowledged, f"{book.name}: lost or twice"
        account = wire("BookService/GetAccount", book_pb2.GetAccountRequest(account_id=book.name)).account
        assert book.held <= {order.client_order_id for order in account.pools[0].orders}
    calls = wire("EscalationService/ListCalls", escalation_pb2.ListCallsRequest(only_open=True)).calls
    assert [call.call_id for call in calls] == [f"a{CLIENTS}#1"], "the open call and its deadline outlive every kill"
    wire.close()
    process.terminate()
    end(process)
    assert process.returncode == 0
    return books


def judge(journal: Path, books: list[Book], rounds: int) -> None:
    """Check chain, replay and counts, and say the figures."""
    opened = SqliteJournal(journal, lambda _: None)
    entries, _ = verify_chain(opened.read())
    differing = [entry.seq for entry, difference in recompute(opened.read(), Shard()) if difference]
    opened.close()
    acknowledged = sum(book.acknowledged for book in books)
    retried = sum(book.retried for book in books)
    print(
        f"kill -9: {rounds} rounds, {acknowledged} deposits acknowledged, {retried} retried after an unknown outcome, "
        f"{sum(len(book.held) for book in books)} holds, {entries} entries, 0 lost, 0 twice"
    )
    assert not differing
    assert acknowledged > rounds


@pytest.mark.promise("MR-P02")
def test_nothing_acknowledged_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After SIGKILL at any moment, no acknowledged effect is missing and none is there twice (MR-P02, MR-P03)."""
    rounds = 50
    books = run_rounds(tmp_path / "journal.db", rounds)
    with capsys.disabled():
        judge(tmp_path / "journal.db", books, rounds)


@pytest.mark.long
@pytest.mark.promise("MR-P02")
def test_nothing_acknowledged_is_lost_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same with 200 rounds."""
    rounds = 200
    books = run_rounds(tmp_path / "journal.db", rounds)
    with capsys.disabled():
        judge(tmp_path / "journal.db", books, rounds)
