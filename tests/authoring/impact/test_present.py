# SPDX-License-Identifier: Apache-2.0
"""Whom a rulebook hits now is what its activation then does to the running shard."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marginrules.authoring.impact import NowImpact, now, population_of
from marginrules.authoring.impact.present import NO_STEP, UNASSESSABLE
from marginrules.codes import EventKind
from marginrules.rulebook import Program
from marginrules.service.shard import Shard
from tests.authoring.impact.worlds import (
    FORMULA,
    INSTRUMENTS,
    MINUTE_NS,
    START_NS,
    STEPS,
    TIERS,
    make_history,
    make_population,
    prices_of,
    program_of,
)

BEFORE = program_of(STEPS, TIERS, "short", "before")
CALLS = (EventKind.CALL_ISSUED, EventKind.CALL_FURTHER)


def live(seed: int, rows: int, program: Program = BEFORE) -> tuple[Shard, int]:
    """Return a shard that has seen some prices, and the time; its liquidations are not reported filled."""
    shard, source = Shard(), random.Random(seed)  # noqa: S311 - no secret
    text = {"text": program.text.decode(), "file": "before.yaml", "who": "risk", "why": "first"}
    shard.apply("activate", text, START_NS)
    instruments = [
        {**{name: getattr(one, name) for name in one.__slots__}, "kind": int(one.kind)} for one in INSTRUMENTS
    ]
    shard.apply("instruments", {"instruments": instruments}, START_NS)
    history = make_history(seed, rows, 0.004, gaps=0.0)
    accounts = make_population(seed, 12).accounts
    shard.book.set_prices(prices_of(history, 0))
    for account in accounts:
        shard.book.put_account(account)
    for row in range(rows):
        shard.book.set_prices(prices_of(history, row))
        shard.settle_all(history.times_ns[row])
        if shard.calls and source.random() < 0.1:
            data = {"account": accounts[0].account_id, "asset": "USD", "amount": 5.0, "who": "treasury", "why": "wire"}
            shard.apply("deposit", data, history.times_ns[row])
    return shard, history.times_ns[rows - 1] + 1_000_000_000


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 300),
    st.integers(1, 40),
    st.sampled_from(
        (
            program_of(STEPS, TIERS, "main", "after"),
            program_of(STEPS, FORMULA, "short", "after"),
            program_of(STEPS.replace("below: 120%", "below: 128%"), TIERS, "short", "after"),
            program_of(
                STEPS.replace("step: warning, below: 150%, clear: 160%", "step: notice, below: 170%"), name="after"
            ),
        )
    ),
)
def test_it_says_what_activation_does(seed: int, rows: int, after: Program) -> None:
    """Events, calls and steps foretold on a copy are those of the shard itself."""
    shard, now_ns = live(seed, rows)
    shard.settle_all(now_ns)
    foretold = now(population_of(shard), BEFORE, after, now_ns)
    text = {"text": after.text.decode(), "file": "after.yaml", "who": "risk", "why": "change"}
    happened = shard.apply("activate", text, now_ns).events
    kinds = Counter(one.kind.value for one in happened if one.step or one.call_id)
    assert foretold.events == dict(sorted(kinds.items()))
    assert foretold.calls_amount == sum((one.amount or 0 for one in happened if one.kind in CALLS), Decimal(0))
    assert {one.step: one.pools_after for one in foretold.steps if one.pools_after} == steps_of(shard, now_ns)
    assert sum(one.pools_before for one in foretold.steps) == foretold.pools == shard.book.engine.pool_count


def steps_of(shard: Shard, now_ns: int) -> dict[str, int]:
    """Count the pools on each step."""
    found: Counter[str] = Counter()
    for pool in range(shard.book.engine.pool_count):
        state = shard.states.get(pool)
        places = [] if state is None else [state.severity, *(step for step, _ in state.pending)]
        if not shard.book.engine.assess(pool, now_ns).is_valid:
            found[UNASSESSABLE] += 1
        elif state is None or max(places) < 0:
            found[NO_STEP] += 1
        else:
            found[shard.programs[state.digest].ladders[state.ladder].steps[max(places)].name] += 1
    return dict(found)


@pytest.fixture(scope="module")
def stricter() -> NowImpact:
    """Return the impact of a rulebook that warns and calls earlier, on pools of which nothing was asked yet."""
    shard, now_ns = live(5, 3)
    steps = STEPS.replace("below: 120%", "below: 145%").replace("clear: 130%", "clear: 150%")
    after = program_of(steps.replace("below: 150%, clear: 160%", "below: 200%"), TIERS, "short", name="after")
    return now(population_of(shard), BEFORE, after, now_ns, largest=3)


def test_it_names_whom_it_moves(stricter: NowImpact) -> None:
    """Those that stand elsewhere are named, the largest first."""
    assert stricter.moved
    assert all(one.before.step != one.after.step for one in stricter.moved)
    assert len(stricter.largest) == min(3, len(stricter.moved))
    sizes = [(one.after.deficiency, one.after.maintenance_margin) for one in stricter.largest]
    assert sizes == sorted(sizes, reverse=True)
    names = [one.step for one in stricter.steps]
    assert names[0] == NO_STEP
    assert [one for one in names if one in ("warning", "call", "full")] == ["warning", "call", "full"]
    before, after = (sum(getattr(one, side) for one in stricter.steps[1:]) for side in ("pools_before", "pools_after"))
    assert after > before


def test_the_same_rulebook_moves_nobody() -> None:
    """Nothing happens, and nothing is counted twice."""
    shard, now_ns = live(5, 20)
    found = now(population_of(shard), BEFORE, BEFORE, now_ns)
    assert (found.moved, found.events, found.orders_short) == ((), {}, ())
    assert all(one.pools_before == one.pools_after for one in found.steps)
    assert found.digest == now(population_of(shard), BEFORE, BEFORE, now_ns).digest


def test_stale_prices_are_told() -> None:
    """An hour later nobody can be assessed, and nobody is taken for healthy."""
    shard, now_ns = live(5, 20)
    found = now(population_of(shard), BEFORE, BEFORE, now_ns + 60 * MINUTE_NS)
    assert found.steps[-1].step == UNASSESSABLE
    assert found.steps[-1].pools_after == found.pools - sum(one.pools_after for one in found.steps[:-1]) > 0


def test_what_is_pinned_keeps_its_rulebook() -> None:
    """A second change over open calls of an older book still knows that book."""
    shard, now_ns = live(1, 40)
    middle = program_of(STEPS.replace("round_to: 5", "round_to: 1"), TIERS, "main", "middle")
    text = {"text": middle.text.decode(), "file": "middle.yaml", "who": "risk", "why": "change"}
    shard.apply("activate", text, now_ns)
    old = sum(one.digest == BEFORE.digest for one in shard.states.values())
    assert old
    found = now(population_of(shard), middle, program_of(name="after"), now_ns)
    assert found.pinned >= old
