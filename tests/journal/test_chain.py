# SPDX-License-Identifier: Apache-2.0
"""The chain of hashes: what a hash covers, and which changes of a journal it shows."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules.errors import JournalCorruptError
from marginrules.journal import GENESIS, Entry, verify_chain
from marginrules.journal.chain import chain_hash

FIELDS = st.tuples(
    st.integers(1, 1 << 40),
    st.integers(-(1 << 62), 1 << 62),
    st.text(max_size=8),
    st.text(max_size=8),
    st.integers(0, 1 << 20),
    st.binary(max_size=16),
)


def chain(count: int) -> list[Entry]:
    """Return entries that follow from each other."""
    made: list[Entry] = []
    for seq in range(1, count + 1):
        fields = (seq, seq * 10, "deposit", f"r{seq}", seq % 3, b"{%d}" % seq)
        made.append(Entry(*fields, chain_hash(made[-1].hash if made else GENESIS, *fields)))
    return made


def test_hash_is_what_an_auditor_would_compute() -> None:
    """SHA-256 over the hash before, three 64-bit numbers, and each text with its length; big-endian throughout."""
    content = bytes(range(32))
    for number in (7, -5, 2):
        content += number.to_bytes(8, "big", signed=True)
    for part in (b"fill", "é-1".encode(), b"{}"):
        content += len(part).to_bytes(8, "big") + part

    assert chain_hash(bytes(range(32)), 7, -5, "fill", "é-1", 2, b"{}") == hashlib.sha256(content).digest()


@given(FIELDS, FIELDS)
def test_different_entries_have_different_hashes(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    """No two entries hash alike, not even where what one text loses another gains."""
    hashes = {chain_hash(GENESIS, *fields) for fields in (one, other)}  # type: ignore[arg-type]

    assert len(hashes) == len({one, other})
    assert chain_hash(GENESIS, 1, 1, "ab", "c", 0, b"") != chain_hash(GENESIS, 1, 1, "a", "bc", 0, b"")


def test_whole_chain_holds() -> None:
    """A chain that was not touched is followed to its end; nothing is a chain as well."""
    entries = chain(5)
    steps: list[int] = []

    assert verify_chain(entries, steps.append) == (5, entries[-1].hash)
    assert steps == [1, 2, 3, 4, 5]
    assert verify_chain([]) == (0, GENESIS)


@pytest.mark.parametrize(
    "changed",
    [{"time_ns": 31}, {"kind": "fill"}, {"request_id": ""}, {"event_count": 9}, {"body": b"{}"}, {"hash": bytes(32)}],
    ids=lambda one: next(iter(one)),
)
def test_altered_entry_is_named(changed: dict[str, object]) -> None:
    """Whatever is changed in an entry, that entry is named."""
    entries = chain(5)
    entries[2] = replace(entries[2], **changed)  # type: ignore[arg-type]

    with pytest.raises(JournalCorruptError, match="entry 3 was altered"):
        verify_chain(entries)


def test_rewritten_entry_shows_at_the_next() -> None:
    """Who also computes the hash of what they changed is found one entry later."""
    entries = chain(5)
    fields = (3, 30, "deposit", "r3", 0, b"{999}")
    entries[2] = Entry(*fields, chain_hash(entries[1].hash, *fields))

    with pytest.raises(JournalCorruptError, match="entry 4 was altered"):
        verify_chain(entries)


@pytest.mark.parametrize(("order", "named"), [((0, 1, 3, 4), 3), ((1, 2, 3, 4), 1), ((0, 2, 1, 3, 4), 2)])
def test_missing_or_moved_entry_is_named(order: tuple[int, ...], named: int) -> None:
    """An entry that was taken out, at the beginning too, or moved is missed at its place."""
    entries = chain(5)

    with pytest.raises(JournalCorruptError, match=f"entry {named} is missing"):
        verify_chain([entries[place] for place in order])


def test_cut_off_end_shows_in_the_head_alone() -> None:
    """A journal that lost its end still holds, with another head: that is why heads are noted elsewhere."""
    entries = chain(5)

    assert verify_chain(entries[:4]) == (4, entries[3].hash)
    assert entries[3].hash != entries[4].hash
