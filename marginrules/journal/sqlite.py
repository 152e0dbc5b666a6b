# SPDX-License-Identifier: Apache-2.0
"""
The embedded journal: SQLite, WAL, `synchronous=FULL`, one writer thread, group commit.

After the first failed write or sync nothing more is acknowledged: SQLite would let the next commit succeed although the
kernel may have dropped pages of the last, so the owner is told to stop the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TextIO

from marginrules.errors import DurabilityError, JournalCorruptError, StorageError
from marginrules.journal.chain import GENESIS, Entry, chain_hash
from marginrules.limits import GROUP_COMMIT_EVENTS_MAX, GROUP_COMMIT_NS

FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY,
    time_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    request_id TEXT,
    event_count INTEGER NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS entries_by_request ON entries (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS entries_with_events ON entries (seq) WHERE event_count > 0;
"""
_COLUMNS = "seq, time_ns, kind, request_id, event_count, body, hash"
_TYPES: tuple[Any, ...] = (int, int, str, (str, type(None)), int, bytes, bytes)
_Pending = tuple[tuple[object, ...], "Future[None]"]


class SqliteJournal:
    """
    Keep entries in one SQLite file.

    Args:
        path: of the file; it is made where there is none.
        on_failure: called once, from the writer thread, with the first DurabilityError.

    Raises:
        StorageError: another process holds the file, or its format is unknown.
    """

    def __init__(self, path: Path, on_failure: Callable[[DurabilityError], None]) -> None:
        self._path = path
        self._on_failure = on_failure
        self._lock_file = _hold(path)
        try:
            self._writer = _open(path)
        except StorageError:
            self._lock_file.close()
            raise
        last = self._writer.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        self._seq = int(last[0]) if last else 0
        self._head = bytes(last[1]) if last else GENESIS
        self._durable_seq = self._seq
        self._taken_lock = threading.Lock()
        self._close_lock = threading.Lock()
        self._pending: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._failure: DurabilityError | None = None
        self._is_closed = False
        self._readers: list[sqlite3.Connection] = []  # all that were opened
        self._idle: list[sqlite3.Connection] = []
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def seq(self) -> int:
        """Return the number of the last entry taken."""
        return self._seq

    @property
    def durable_seq(self) -> int:
        """Return the number of the last entry on disk."""
        return self._durable_seq

    @property
    def head(self) -> bytes:
        """Return the hash of the last entry taken."""
        return self._head

    def append(
        self, time_ns: int, kind: str, request_id: str, event_count: int, body: bytes
    ) -> tuple[int, Future[None]]:
        """
        Take an entry.

        Returns:
            Its number, and a future that is done once the entry is on disk, or has failed.

        Raises:
            DurabilityError: an earlier write failed.
        """
        future: Future[None] = Future()
        with self._taken_lock:
            if self._failure:
                raise self._failure
            if self._is_closed:
                raise DurabilityError("MR-S102", "journal was closed", "nothing is acknowledged after that")
            self._seq += 1
            self._head = chain_hash(self._head, self._seq, time_ns, kind, request_id, event_count, body)
            row = (self._seq, time_ns, kind, request_id or None, event_count, body, self._head)
            self._pending.put((row, future))
            return self._seq, future

    def read(self, after: int = 0, only_with_events: bool = False) -> Iterator[Entry]:
        """Yield durable entries above a sequence number, in order."""
        condition = "AND event_count > 0" if only_with_events else ""
        query = f"SELECT {_COLUMNS} FROM entries WHERE seq > ? {condition} ORDER BY seq"  # noqa: S608 - no input in it
        with self._reading() as reader:
            for row in reader.execute(query, (after,)):
                yield _entry(row)

    def find_request(self, request_id: str) -> Entry | None:
        """Return the durable entry of a request id."""
        query = f"SELECT {_COLUMNS} FROM entries WHERE request_id = ?"  # noqa: S608 - no input in it
        with self._reading() as reader:
            row = reader.execute(query, (request_id,)).fetchone()
        return _entry(row) if row else None

    def close(self) -> None:
        """Write what was taken, then let go of the file; again, and at the same time, does nothing."""
        with self._close_lock:
            if self._lock_file.closed:
                return
            with self._taken_lock:
                self._is_closed = True
                self._pending.put(None)
            self._thread.join()
            for reader in self._readers:
                reader.close()
            if self._failure is None:
                # Readers of other threads may still be open; with nothing left in the log, the file is the journal.
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._writer.close()
            self._lock_file.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else uses meanwhile: a reader never waits for the writer."""
        try:
            reader = self._idle.pop()
        except IndexError:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            reader = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            self._readers.append(reader)
        try:
            yield reader
        finally:
            self._idle.append(reader)

    def _run(self) -> None:
        while (first := self._pending.get()) is not None:
            group, is_last = self._gather(first)
            try:
                with contextlib.closing(self._writer.cursor()) as cursor:
                    cursor.execute("BEGIN IMMEDIATE")
                    cursor.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", [row for row, _ in group])
                    cursor.execute("COMMIT")
            except Exception as error:  # noqa: BLE001 - whatever it was, nothing after it may be acknowledged
                self._fail(group, error)
                return
            self._durable_seq = int(str(group[-1][0][0]))
            for _, future in group:
                future.set_result(None)
            if is_last:
                return

    def _gather(self, first: _Pending) -> tuple[list[_Pending], bool]:
        """
        Return the entries of one commit and whether the journal was closed.

        Whatever arrived while the last commit was syncing goes into this one; nothing is waited for when the queue is
        empty, since the sync itself is the time in which others arrive.
        """
        group, until = [first], time.monotonic_ns() + GROUP_COMMIT_NS
        while len(group) < GROUP_COMMIT_EVENTS_MAX and time.monotonic_ns() < until:
            try:
                following = self._pending.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _fail(self, group: list[_Pending], error: Exception) -> None:
        failure = DurabilityError("MR-S102", f"journal write failed: {error}", "see to the disk, then start again")
        with self._taken_lock:
            self._failure = failure
        self._on_failure(failure)
        waiting = list(group)
        with contextlib.suppress(queue.Empty):
            while (item := self._pending.get_nowait()) is not None:
                waiting.append(item)
        for _, future in waiting:
            future.set_exception(failure)


def read_entries(path: Path) -> Iterator[Entry]:
    """
    Yield the durable entries of a journal that need not be ours: a copy, a backup, or one that a server holds.

    Raises:
        StorageError: the file is not a journal, or its format is unknown.
        JournalCorruptError: SQLite cannot read on.
    """
    with _read_only(path) as connection:
        try:
            query = f"SELECT {_COLUMNS} FROM entries ORDER BY seq"  # noqa: S608 - no input in it
            for row in connection.execute(query):
                yield _entry(row)
        except sqlite3.DatabaseError as error:
            raise JournalCorruptError("MR-S101", f"{path} cannot be read to its end: {error}") from None


def count_entries(path: Path) -> int:
    """Return how many durable entries a journal has; the conditions are those of `read_entries`."""
    with _read_only(path) as connection:
        return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])


@contextlib.contextmanager
def _read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """
    Open a journal without a trace.

    A file without a write-ahead log beside it is open nowhere. SQLite is told so: otherwise it would make a log, leave
    it there, and fail where the directory is read-only.
    """
    mode = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection:
        try:
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'entries'").fetchone()[0]
        except sqlite3.Error as error:
            raise StorageError("MR-S101", f"{path} is not a journal: {error}") from None
        if not tables:
            raise StorageError("MR-S101", f"{path} is not a journal: it has no entries table")
        if found != FORMAT:
            raise StorageError("MR-S103", f"format of {path} was {found}", f"this release reads format {FORMAT}")
        yield connection


def _hold(path: Path) -> TextIO:
    """Lock a file beside the journal, so that one process at a time owns it; the lock ends with the process."""
    try:
        file = Path(f"{path}.lock").open("w", encoding="ascii")  # noqa: SIM115 - held as long as the journal is open
    except OSError as error:
        raise StorageError("MR-S101", f"{path} cannot be opened: {error.strerror}", "see to its directory") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StorageError("MR-S104", f"another process holds {path}", "stop it, or give another journal") from None
    file.write(str(os.getpid()))
    file.flush()
    return file


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, FORMAT):
            raise StorageError("MR-S103", f"format of {path} was {found}", f"this release reads format {FORMAT}")
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA user_version={FORMAT}")
    except sqlite3.Error as error:
        connection.close()
        raise StorageError("MR-S101", f"{path} is not a journal: {error}") from None
    except StorageError:
        connection.close()
        raise
    return connection


def _entry(row: tuple[Any, ...]) -> Entry:
    """Return a row as an entry; SQLite itself lets a column hold anything."""
    if not all(isinstance(*pair) for pair in zip(row, _TYPES, strict=True)) or row[0] < 1 or row[4] < 0:
        raise JournalCorruptError("MR-S101", f"entry {row[0]} was altered: a value is not of its kind")
    return Entry(row[0], row[1], row[2], row[3] or "", row[4], row[5], row[6])
