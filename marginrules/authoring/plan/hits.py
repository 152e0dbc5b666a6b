# SPDX-License-Identifier: Apache-2.0
"""Whom a plan hits: what the impact on the live book and on history comes to, as a plan keeps it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

from marginrules.authoring import impact
from marginrules.authoring.impact import words
from marginrules.authoring.plan.model import Plan, PlannedCount, PlannedImpact
from marginrules.codes import InstrumentKind
from marginrules.errors import InputError
from marginrules.rulebook import Program, load

_HINT = "write {instruments: [...], accounts: [...], prices: [...]}, each item as the API has it"


def with_impact(plan: Plan, now: impact.NowImpact | None, past: impact.Impact | None) -> Plan:
    """Return a plan that tells whom it hits, now and over a history, as far as somebody has looked."""
    if now is None and past is None:
        return plan
    digests = "\n".join(one.digest for one in (now, past) if one is not None)
    return replace(
        plan,
        impact=PlannedImpact(
            now=() if now is None else _counts(words.now_counts(now)),
            past=() if past is None else _counts(words.past_counts(past)),
            largest=() if now is None else words.largest_words(now),
            told=() if past is None else (words.cured_words(past.after),),
            since_ns=0 if past is None else past.after.first_ns,
            until_ns=0 if past is None else past.after.last_ns,
            digest=hashlib.sha256(digests.encode()).hexdigest(),
        ),
    )


def hits_of_files(
    plan: Plan,
    before: Program,
    book: Path,
    history: Iterable[str],
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """
    Return a plan that tells whom it hits among the accounts of a file, now and over prices of other files.

    Args:
        book: JSON with lists of `instruments` and `accounts`, and of `prices`, whose last time is now.
        history: CSV files of prices, see `impact.read_history`; none: now only.

    Raises:
        InputError: a file cannot be read, or a rulebook does not cover what is in it.
    """
    after, data = load(plan.text, plan.file), _read(book)
    pools = {*before.pools, *after.pools}
    try:
        population = impact.read_population(data["instruments"], data["accounts"], data["prices"], pools)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError("MR-I103", f"{book} had an item without {error}", _HINT) from None
    now = past = None
    if population.prices:
        now = impact.now(population, before, after, max(one.time_ns for one in population.prices))
    if sources := tuple(history):
        past = impact.impact(population, impact.read_history(sources), before, after, executor, progress)
    return with_impact(plan, now, past)


def _read(book: Path) -> dict[str, list[dict[str, object]]]:
    try:
        data = json.loads(book.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("MR-I103", f"{book} could not be read: {error}", "give a file of JSON") from None
    given = data if isinstance(data, dict) else {}
    rows = {key: given.get(key, []) for key in ("instruments", "accounts", "prices")}
    if not all(isinstance(one, list) and all(isinstance(row, dict) for row in one) for one in rows.values()):
        raise InputError("MR-I103", f"{book} had something else than lists of items", _HINT)
    if not rows["accounts"]:
        raise InputError("MR-I103", f"{book} had no accounts", _HINT)
    kinds = {one.word: int(one) for one in InstrumentKind}
    instruments = [row | {"kind": kinds.get(str(row.get("kind")), row.get("kind"))} for row in rows["instruments"]]
    return rows | {"instruments": instruments}


def _counts(counts: tuple[words.Count, ...]) -> tuple[PlannedCount, ...]:
    return tuple(PlannedCount(one.what, one.before, one.after) for one in counts)
