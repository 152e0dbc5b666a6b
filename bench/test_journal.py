# SPDX-License-Identifier: Apache-2.0
"""Time durable appends to the journal against bare SQLite with the same settings: one commit for each append."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from bench.timing import Row, rounds
from marginrules.errors import DurabilityError
from marginrules.journal import SqliteJournal, verify_chain

BODY = bytes(300)
WRITERS = 64


def fail(error: DurabilityError) -> NoReturn:
    """Stop: the disk of a bench must not fail."""
    raise error


def bare(path: Path, count: int) -> float:
    """Return appends a second of SQLite alone, each in its own commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, time_ns INTEGER, body BLOB)")
    start = time.perf_counter()
    for number in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (number, number, BODY))
        connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return count / seconds


def journal(path: Path, count: int, writers: int) -> float:
    """Return acknowledged appends a second, with so many callers that each wait for the disk."""
    opened = SqliteJournal(path, fail)

    def write(share: int) -> None:
        for number in range(share):
            opened.append(number, "bench", "", 0, BODY)[1].result()

    threads = [threading.Thread(target=write, args=(count // writers,)) for _ in range(writers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    entries, _ = verify_chain(opened.read())
    opened.close()
    assert entries == count // writers * writers
    return entries / seconds


def measure() -> list[Row]:
    """Measure one caller and many, in turns with bare SQLite."""
    contestants: dict[str, Callable[[Path], float]] = {
        "bare": lambda path: bare(path, 200),
        "one": lambda path: journal(path, 200, 1),
        "many": lambda path: journal(path, 6_400, WRITERS),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as scratch:
        for number in range(rounds(10)):
            for name, run in contestants.items():
                rates[name].append(run(Path(scratch, f"{name}-{number}.db")))
    bare_rate = max(rates["bare"])
    return [
        {
            "name": f"journal, {label}",
            "value": max(rates[name]),
            "unit": "/s",
            "rival": f"bare SQLite, {bare_rate:,.0f} /s",
            "ratio": bare_rate / max(rates[name]),
            "ratio_median": None,
            "bar": None,
        }
        for name, label in (("one", "one caller"), ("many", f"{WRITERS} callers"))
    ]


def test_group_commit_beats_one_by_one() -> None:
    """With many callers a commit carries many appends: more of them than SQLite does one by one."""
    many = measure()[1]
    assert many["ratio"] is not None
    assert many["ratio"] < 1.0
