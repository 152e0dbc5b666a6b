# SPDX-License-Identifier: Apache-2.0
"""The entry, the chain of hashes that joins entries, and what every journal must offer."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from marginrules.errors import JournalCorruptError

GENESIS = bytes(32)
_HEAD = struct.Struct(">QqQ")


@dataclass(frozen=True, slots=True)
class Entry:
    """
    Carry one entry.

    Args:
        seq: 1 for the first; each is one above the last.
        request_id: of the request that caused it; empty for what the server did by itself.
        event_count: how many events `body` carries.
    """

    seq: int
    time_ns: int
    kind: str
    request_id: str
    event_count: int
    body: bytes
    hash: bytes


def chain_hash(
    previous: bytes, seq: int, time_ns: int, kind: str, request_id: str, event_count: int, body: bytes
) -> bytes:
    """Return SHA-256 over the previous hash and everything the entry says; each part is preceded by its length."""
    digest = hashlib.sha256(previous)
    digest.update(_HEAD.pack(seq, time_ns, event_count))
    for part in (kind.encode(), request_id.encode(), body):
        digest.update(struct.pack(">Q", len(part)))
        digest.update(part)
    return digest.digest()


def verify_chain(entries: Iterable[Entry], progress: Callable[[int], None] | None = None) -> tuple[int, bytes]:
    """
    Follow the chain from its beginning.

    Returns:
        The number of entries and the hash of the last one.

    Raises:
        JournalCorruptError: naming the first entry at which the chain does not hold.
    """
    count, head = 0, GENESIS
    for entry in entries:
        if entry.seq != count + 1:
            raise JournalCorruptError("MR-S101", f"entry {count + 1} is missing; the next one found was {entry.seq}")
        head = chain_hash(head, entry.seq, entry.time_ns, entry.kind, entry.request_id, entry.event_count, entry.body)
        if head != entry.hash:
            raise JournalCorruptError(
                "MR-S101", f"entry {entry.seq} was altered: its hash does not follow from entry {count}"
            )
        count += 1
        if progress:
            progress(count)
    return count, head


class Journal(Protocol):
    """What the service asks of a journal; SQLite is the embedded one, others go behind the same door."""

    def append(
        self, time_ns: int, kind: str, request_id: str, event_count: int, body: bytes
    ) -> tuple[int, Future[None]]:
        """Take an entry; the future is done once it is on disk. Entries become durable in order."""

    def read(self, after: int = 0, only_with_events: bool = False) -> Iterator[Entry]:
        """Yield durable entries above a sequence number, in order."""

    def find_request(self, request_id: str) -> Entry | None:
        """Return the durable entry of a request id."""

    def close(self) -> None:
        """Write what was taken, then let go of the file."""
