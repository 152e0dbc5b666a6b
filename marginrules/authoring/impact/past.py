# SPDX-License-Identifier: Apache-2.0
"""
Whom two rulebooks would have hit over a history, on as many processes as there are.

Accounts are divided into parts that do not depend on how many workers there are, and what comes back is merged in the
order of the accounts: the result is the same, to the last bit, on one process and on many.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass

from marginrules.authoring.impact.history import History
from marginrules.authoring.impact.outcome import HistoryImpact, Outcome, summary
from marginrules.authoring.impact.population import Population, check_fits
from marginrules.authoring.impact.replay import Replayed, replay
from marginrules.authoring.impact.texts import Text, compiled, text_of
from marginrules.errors import InputError
from marginrules.rulebook import Program

PART_ACCOUNTS = 512

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Impact:
    """
    Carry what a history would have done before and after a change.

    Args:
        moves: (worst that happened before, after, pools), see `outcome.WORST`; only where they differ.
        changed: the outcomes of pools that differ, before and after, in the order of the population.
        looks: how often a ladder was looked at, by both rulebooks.
        digest: of both digests.
    """

    before: HistoryImpact
    after: HistoryImpact
    moves: tuple[tuple[str, str, int], ...]
    changed: tuple[tuple[Outcome, Outcome], ...]
    looks: int
    digest: str


def _replay_part(texts: tuple[Text, ...], part: Population, history: History) -> list[Replayed]:
    return [replay(compiled(text), part, history) for text in texts]


def impact(
    population: Population,
    history: History,
    before: Program,
    after: Program,
    executor: Executor | None = None,
    progress: Progress | None = None,
    part_accounts: int = PART_ACCOUNTS,
) -> Impact:
    """
    Replay a history on a population before and after a change of rulebooks; see `replay` for the rules.

    Args:
        executor: does the work; None: this thread.
        progress: called with the number of accounts done and of all, now and then, from this thread.
        part_accounts: accounts of one piece of work; the result does not depend on it.

    Raises:
        InputError: a rulebook does not cover the population, or the history has no rows or nothing that is held.
    """
    for program in (before, after):
        check_fits(program, population)
    _check_history(population, history)
    texts = tuple(dict.fromkeys(text_of(one) for one in (before, after)))
    total = len(population.accounts)
    firsts = range(0, total, part_accounts)
    parts: list[list[Replayed]] = [[]] * len(firsts)
    done = 0
    for place, found in _results(executor, texts, population, history, firsts, part_accounts):
        parts[place] = found
        done += min(part_accounts, total - firsts[place])
        if progress:
            progress(done, total)
    impacts = [_merged(one, [found[k] for found in parts], history, total) for k, one in enumerate(texts)]
    # The same rulebook twice is replayed once.
    return _impact(impacts[0], impacts[-1], sum(one.wakes for found in parts for one in found))


def _results(
    executor: Executor | None,
    texts: tuple[Text, ...],
    population: Population,
    history: History,
    firsts: range,
    size: int,
) -> Iterator[tuple[int, list[Replayed]]]:
    if executor is None:
        for place, first in enumerate(firsts):
            yield place, _replay_part(texts, population.part(first, size), history)
        return
    futures: dict[Future[list[Replayed]], int] = {}
    try:
        for place, first in enumerate(firsts):
            futures[executor.submit(_replay_part, texts, population.part(first, size), history)] = place
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        for future in futures:
            future.cancel()


def _check_history(population: Population, history: History) -> None:
    if not len(history):
        raise InputError("MR-I103", "the history had no rows", "give prices of at least one moment")
    if any(after <= before for before, after in itertools.pairwise(history.times_ns)):
        raise InputError("MR-I119", "the history did not rise in time", "give rows in order, one for each moment")
    held = {one.symbol for account in population.accounts for pool in account.pools for one in pool.positions}
    if held and not held & history.names:
        hint = f"name the columns like the instruments: {', '.join(sorted(held)[:5])}"
        raise InputError("MR-I106", "the history had prices of nothing that is held", hint)


def _merged(text: Text, found: list[Replayed], history: History, accounts: int) -> HistoryImpact:
    pools = sum(one.pools for one in found)
    times = (len(history), history.times_ns[0], history.times_ns[-1])
    outcomes = [outcome for one in found for outcome in one.outcomes]
    return summary(text.name, text.digest, times, (accounts, pools), outcomes)


def _impact(before: HistoryImpact, after: HistoryImpact, looks: int) -> Impact:
    known = [{one.pool: one for one in side.outcomes} for side in (before, after)]
    changed, moves = [], Counter[tuple[str, str]]()
    # Both are in the order of the population, so the order of the union is that as well.
    for pool in _union([one.pool for one in before.outcomes], [one.pool for one in after.outcomes]):
        old, new = (side.get(pool, Outcome(pool)) for side in known)
        if old != new:
            changed.append((old, new))
        if old.worst != new.worst:
            moves[old.worst, new.worst] += 1
    digest = hashlib.sha256(f"{before.digest}\n{after.digest}".encode()).hexdigest()
    listed = tuple((*pair, count) for pair, count in sorted(moves.items()))
    return Impact(before, after, listed, tuple(changed), looks, digest)


def _union(first: list[str], second: list[str]) -> list[str]:
    """Merge two orders of which neither contradicts the other."""
    common, made, at = set(first), [], 0
    for name in second:
        if name in common:
            stop = first.index(name, at) + 1
            made += first[at:stop]
            at = stop
        else:
            made.append(name)
    return made + first[at:]
