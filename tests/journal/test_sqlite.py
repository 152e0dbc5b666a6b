# SPDX-License-Identifier: Apache-2.0
"""The SQLite journal: durable before it is acknowledged, in order, in groups, and closed after the first failure."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from marginrules.errors import DurabilityError, JournalCorruptError, StorageError
from marginrules.journal import GENESIS, SqliteJournal, count_entries, read_entries, verify_chain
from marginrules.limits import GROUP_COMMIT_EVENTS_MAX


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a journal that is not there yet."""
    return tmp_path / "journal.db"


@contextmanager
def opened(path: Path, failures: list[DurabilityError] | None = None) -> Iterator[SqliteJournal]:
    """Open a journal and close it again."""
    heard: list[DurabilityError] = [] if failures is None else failures
    journal = SqliteJournal(path, heard.append)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def writer_held_up(path: Path) -> Iterator[None]:
    """Let nobody else write to the file meanwhile."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def put(journal: SqliteJournal, number: int, events: int = 0) -> Future[None]:
    """Append one entry."""
    return journal.append(number * 10, "deposit", f"r{number}", events, b"%d" % number)[1]


def test_acknowledged_is_on_disk(path: Path) -> None:
    """Once an append is done, any reader of the file finds the entry as it was given, and the chain holds."""
    with opened(path) as journal:
        put(journal, 1, events=2).result(5)
        (entry,) = read_entries(path)

        assert (entry.seq, entry.time_ns, entry.kind, entry.request_id, entry.event_count, entry.body) == (
            1,
            10,
            "deposit",
            "r1",
            2,
            b"1",
        )
        assert (journal.seq, journal.durable_seq, journal.head) == (1, 1, entry.hash)
        assert verify_chain(journal.read()) == (1, journal.head)


def test_nothing_is_acknowledged_before(path: Path) -> None:
    """While the disk does not take it, an entry is taken but neither done, nor durable, nor to be read."""
    with opened(path) as journal:
        with writer_held_up(path):
            future = put(journal, 1)
            assert not wait([future], 0.3).done
            assert (journal.seq, journal.durable_seq) == (1, 0)
            assert list(journal.read()) == []
            assert journal.find_request("r1") is None
        future.result(10)
        assert journal.durable_seq == 1


def test_what_waits_is_committed_together_and_in_order(path: Path) -> None:
    """Entries that arrive while the disk is busy go into few commits, and are done in the order of their numbers."""
    statements: list[str] = []
    done: list[int] = []
    with opened(path) as journal:
        journal._writer.set_trace_callback(statements.append)  # commits show nowhere else
        with writer_held_up(path):
            futures = [put(journal, number) for number in range(1, GROUP_COMMIT_EVENTS_MAX + 51)]
            for number, future in enumerate(futures, start=1):
                future.add_done_callback(lambda _, number=number: done.append(number))  # type: ignore[misc]
        wait(futures, 20)

        assert done == list(range(1, len(futures) + 1))
        assert [one.seq for one in journal.read()] == done
        # The first entry may have gone alone; no group is larger than the limit.
        assert 2 <= statements.count("COMMIT") <= 3


def test_many_threads_make_one_chain(path: Path) -> None:
    """Appends of many threads get numbers without gaps; the chain over all of them holds."""
    with opened(path) as journal:

        def append(first: int) -> None:
            for number in range(first, first + 50):
                put(journal, number).result(20)

        threads = [threading.Thread(target=append, args=(first,)) for first in range(0, 400, 50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert verify_chain(journal.read()) == (400, journal.head)
        assert {entry.request_id for entry in journal.read()} == {f"r{number}" for number in range(400)}


def test_goes_on_where_it_ended(path: Path) -> None:
    """What was taken is written before the file is let go of; the next owner continues the chain."""
    with opened(path) as journal:
        futures = [put(journal, number) for number in (1, 2)]
    assert all(future.done() for future in futures)
    with opened(path) as journal:
        assert (journal.seq, journal.durable_seq) == (2, 2)
        put(journal, 3).result(5)
        assert verify_chain(journal.read()) == (3, journal.head)
        assert [entry.seq for entry in journal.read(after=1)] == [2, 3]
    assert count_entries(path) == 3


def test_finds_requests_and_events(path: Path) -> None:
    """An entry is found by its request id; what the server did by itself has none; readers may ask for events only."""
    with opened(path) as journal:
        put(journal, 1).result(5)
        journal.append(20, "tick", "", 1, b"2")[1].result(5)
        journal.append(30, "tick", "", 3, b"3")[1].result(5)

        found = journal.find_request("r1")
        assert found is not None
        assert found.body == b"1"
        assert (journal.find_request("r2"), journal.find_request("")) == (None, None)
        assert [entry.seq for entry in journal.read(only_with_events=True)] == [2, 3]


def test_first_failure_is_the_last_word(path: Path) -> None:
    """After a failed write everything that waits fails, the owner is told once, and nothing more is taken."""
    failures: list[DurabilityError] = []
    with opened(path, failures) as journal:
        put(journal, 1).result(5)
        with closing(sqlite3.connect(path)) as other:
            other.execute("ALTER TABLE entries RENAME TO elsewhere")
        with pytest.raises(DurabilityError):
            put(journal, 2).result(5)
        with pytest.raises(DurabilityError) as refused:
            put(journal, 3)

    assert [one.code for one in failures] == [refused.value.code] == ["MR-S102"]
    assert journal.durable_seq == 1


def test_closed_journal_takes_nothing(path: Path) -> None:
    """After it was closed a journal refuses entries."""
    with opened(path) as journal:
        pass
    with pytest.raises(DurabilityError, match="journal was closed"):
        put(journal, 1)
    assert journal.head == GENESIS


def test_one_owner_at_a_time(path: Path) -> None:
    """A journal that is held is refused to a second owner, who may have it afterwards."""
    with opened(path), pytest.raises(StorageError) as refused:
        SqliteJournal(path, lambda _: None)
    with opened(path) as journal:
        assert journal.seq == 0
    assert refused.value.code == "MR-S104"


def test_unknown_format_is_refused(path: Path) -> None:
    """A journal of another release's format is not touched."""
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=2")
    for attempt in (lambda: SqliteJournal(path, lambda _: None), lambda: list(read_entries(path))):
        with pytest.raises(StorageError) as refused:
            attempt()
        assert refused.value.code == "MR-S103"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE entries SET body = x'39' WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET time_ns = time_ns + 1 WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET kind = 'waive' WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET request_id = NULL WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET event_count = 1 WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET event_count = -1 WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET body = 'text' WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET hash = (SELECT hash FROM entries WHERE seq = 1) WHERE seq = 2", "entry 2"),
        ("DELETE FROM entries WHERE seq = 2", "entry 2"),
        ("UPDATE entries SET seq = 9 WHERE seq = 2", "entry 2"),
        ("DELETE FROM entries WHERE seq = 1", "entry 1"),
    ],
)
def test_tampering_is_named(path: Path, statement: str, named: str) -> None:
    """Whatever is changed in the file, the first entry that does not follow is named."""
    with opened(path) as journal:
        for number in (1, 2, 3):
            put(journal, number).result(5)
    with closing(sqlite3.connect(path)) as other:
        other.execute(statement)
        other.commit()

    with pytest.raises(JournalCorruptError, match=named):
        verify_chain(read_entries(path))
