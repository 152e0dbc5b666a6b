# SPDX-License-Identifier: Apache-2.0
"""What the journal says happened, folded again: to restore, to compare, and to stand at an earlier moment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from marginrules.errors import InputError, JournalCorruptError, MarginRulesError
from marginrules.journal import Entry
from marginrules.journal.chain import GENESIS, chain_hash
from marginrules.service.shard import Outcome, Shard
from marginrules.units import format_time

Data = dict[str, Any]


def entry_body(data: Data, outcome: Outcome, fingerprint: str) -> bytes:
    """Return the canonical bytes of an entry: what was asked, answered and done."""
    return _encode(
        {
            "do": data,
            "reply": outcome.reply,
            "events": [event.as_json() for event in outcome.events],
            "fingerprint": fingerprint,
        }
    )


def recompute(entries: Iterator[Entry], shard: Shard) -> Iterator[tuple[Entry, str]]:
    """
    Apply recorded commands again and compare what they give with what was recorded.

    Yields:
        Each entry, and what differs; "" where nothing does.

    Raises:
        JournalCorruptError: the chain of hashes does not hold.
    """
    head = GENESIS
    for count, entry in enumerate(entries, start=1):
        head = chain_hash(head, entry.seq, entry.time_ns, entry.kind, entry.request_id, entry.event_count, entry.body)
        if head != entry.hash or entry.seq != count:
            raise JournalCorruptError("MR-S101", f"chain breaks at entry {count}")
        body = json.loads(entry.body)
        try:
            outcome = shard.apply(entry.kind, body["do"], entry.time_ns)
        except MarginRulesError as error:
            yield entry, f"{entry.kind} at {format_time(entry.time_ns)} was carried out, and is refused now: {error}"
            continue
        again = entry_body(body["do"], outcome, body["fingerprint"])
        yield entry, "" if again == entry.body else _difference(entry, body, outcome)


def _difference(entry: Entry, body: Data, outcome: Outcome) -> str:
    if outcome.reply != body["reply"]:
        return f"{entry.kind} at {format_time(entry.time_ns)}: reply was {body['reply']}, now {outcome.reply}"
    now = [event.as_json() for event in outcome.events]
    for index, (before, after) in enumerate(zip(body["events"], now, strict=False)):
        if before != after:
            return f"event {index + 1} was {before}, now {after}"
    return f"{len(body['events'])} events were recorded, now {len(now)}"


def shard_at(
    entries: Iterator[Entry], time_ns: int | None = None, progress: Callable[[int], None] | None = None
) -> tuple[Shard, int]:
    """
    Fold entries up to a moment, those of that very moment included; None: all.

    Returns:
        The shard, and the time of its last command.

    Raises:
        InputError: nothing had happened by then.
        JournalCorruptError: the chain breaks, or an entry does not follow from those before it.
    """
    shard, last_ns = Shard(), 0
    for entry, difference in recompute(_until(entries, time_ns), shard):
        if difference:
            raise JournalCorruptError(
                "MR-S101", f"entry {entry.seq} does not follow from those before it: {difference}"
            )
        last_ns = entry.time_ns
        if progress:
            progress(entry.seq)
    if not last_ns:
        when = "at all" if time_ns is None else f"by {format_time(time_ns)}"
        raise InputError("MR-I102", f"nothing had happened {when}", "give a later time")
    return shard, last_ns


def _until(entries: Iterator[Entry], time_ns: int | None) -> Iterator[Entry]:
    for entry in entries:
        if time_ns is not None and entry.time_ns > time_ns:
            return
        yield entry


def _encode(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()
