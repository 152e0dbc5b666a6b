# SPDX-License-Identifier: Apache-2.0
"""A history before and after a change: the same on one worker and on many, and refused where it misfits."""

from __future__ import annotations

from array import array
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest

from marginrules.authoring.impact import History, Impact, impact, misfits, population_of, replay
from marginrules.authoring.impact.population import shard_with
from marginrules.codes import InstrumentKind
from marginrules.errors import InputError
from marginrules.model import Instrument
from tests.authoring.impact.worlds import FORMULA, STEPS, TIERS, make_history, make_population, program_of

ROWS = 240
BEFORE = program_of(STEPS, TIERS, "short", "before")
AFTER = program_of(STEPS.replace("below: 120%", "below: 125%"), TIERS, "main", "after")
POPULATION = make_population(11, 30)
HISTORY = make_history(1, ROWS, 0.002)


@pytest.fixture(scope="module")
def expected() -> Impact:
    """Return what one thread finds, all accounts in one piece."""
    return impact(POPULATION, HISTORY, BEFORE, AFTER, part_accounts=1_000)


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_the_result_does_not_depend_on_who_works(
    kind: type[ThreadPoolExecutor | ProcessPoolExecutor], workers: int, expected: Impact
) -> None:
    """Threads, processes, one or several, and any division of the accounts: the same digest and the same answer."""
    told: list[tuple[int, int]] = []
    executor: Executor
    with kind(workers) as executor:
        found = impact(
            POPULATION, HISTORY, BEFORE, AFTER, executor, lambda *at: told.append(at), part_accounts=7 + workers
        )
    assert found.digest == expected.digest
    assert found == expected
    assert told[-1] == (30, 30)
    assert told == sorted(told)


def test_it_sums_up_what_the_replays_find(expected: Impact) -> None:
    """Counts are of the outcomes; what differs is listed with both, and moves say from what to what."""
    for side, program in ((expected.before, BEFORE), (expected.after, AFTER)):
        outcomes = replay(program, POPULATION, HISTORY).outcomes
        assert side.outcomes == tuple(outcomes)
        assert side.called == sum(one.calls > 0 for one in outcomes) > 0
        assert side.liquidated == sum(one.rounds > 0 for one in outcomes) > 0
        assert side.accounts == 30
        assert side.rows == ROWS
        assert side.program_digest == program.digest
        assert side.called_accounts <= side.called
    assert expected.before.digest != expected.after.digest
    changed = {new.pool for _, new in expected.changed}
    assert changed
    assert sum(count for *_, count in expected.moves) <= len(changed)
    assert all(old != new for old, new, _ in expected.moves)


def test_a_rulebook_that_says_the_same_changes_nothing(expected: Impact) -> None:
    """The same meaning is replayed once and compared with itself."""
    found = impact(POPULATION, HISTORY, BEFORE, BEFORE)
    assert found.before == found.after
    assert (found.moves, found.changed) == ((), ())
    assert found.before.digest == expected.before.digest
    assert found.looks < expected.looks


def test_formulas_go_the_same_way() -> None:
    """What is prepared for formulas at each row comes to the same in pieces and as a whole."""
    after = program_of(STEPS, FORMULA, "short", "after")
    whole = impact(POPULATION, HISTORY, BEFORE, after)
    with ThreadPoolExecutor(2) as executor:
        assert impact(POPULATION, HISTORY, BEFORE, after, executor, part_accounts=7) == whole
    assert whole.changed


def test_an_error_of_a_worker_comes_through() -> None:
    """Nothing is summed up of a part of the accounts."""
    broken = make_history(1, 5, 0.002)
    object.__setattr__(broken, "values", array("d", [1.0]))
    with ThreadPoolExecutor(1) as executor, pytest.raises(ValueError, match="1 values for 5 rows"):
        impact(POPULATION, broken, BEFORE, AFTER, executor, part_accounts=5)


def test_what_a_rulebook_does_not_cover_is_refused() -> None:
    """Products, classes, collateral and settlement assets that are missing are named, all of them."""
    stranger = Instrument("Z-FUT", InstrumentKind.FUTURE, "Z", "EUR", expires_ns=1 << 61)
    accounts = (
        replace(POPULATION.accounts[0], account_class="giant"),
        replace(POPULATION.accounts[1], pools=(replace(POPULATION.accounts[1].pools[0], balances=(("GOLD", 1.0),)),)),
    )
    odd = replace(POPULATION, instruments=(*POPULATION.instruments, stranger), accounts=accounts)
    assert misfits(AFTER, odd) == [
        "settlement asset EUR",
        "instrument Z-FUT",
        "account class giant",
        "collateral GOLD",
    ]
    with pytest.raises(InputError, match="does not cover: settlement asset EUR") as refused:
        impact(odd, HISTORY, BEFORE, AFTER)
    assert refused.value.code == "MR-I114"


def test_a_history_of_nothing_is_refused() -> None:
    """No rows, rows out of order, or prices of nothing that is held: said before any work."""
    times = HISTORY.times_ns
    none = History(array("q"), HISTORY.columns, array("d"))
    back = History(array("q", reversed(times)), HISTORY.columns, HISTORY.values)
    other = History(times, (("GOLD", ""),), array("d", [1.0] * ROWS))
    for history, code in ((none, "MR-I103"), (back, "MR-I119"), (other, "MR-I106")):
        with pytest.raises(InputError) as refused:
            impact(POPULATION, history, BEFORE, AFTER)
        assert refused.value.code == code


def test_a_snapshot_of_a_shard_replays_as_the_accounts_it_was_made_of() -> None:
    """What is read back from a shard is what was put in."""
    snapshot = population_of(shard_with(BEFORE, POPULATION))
    assert replay(BEFORE, snapshot, HISTORY).outcomes == replay(BEFORE, POPULATION, HISTORY).outcomes
