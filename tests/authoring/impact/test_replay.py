# SPDX-License-Identifier: Apache-2.0
"""A replay comes to what the service itself comes to, and looks at few of the pools to get there."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from marginrules.authoring.impact import Outcome, replay
from marginrules.authoring.impact.outcome import WORST
from marginrules.authoring.impact.replay import Replayer
from tests.authoring.impact.worlds import (
    FORMULA,
    STEPS,
    TIERS,
    Drawn,
    drawn_worlds,
    lived,
    make_history,
    make_population,
    program_of,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn_worlds())
def test_a_replay_is_what_the_service_lives_through(drawn: Drawn) -> None:
    """Woken only where something may happen, or looked at in every minute, or lived by the service: all the same."""
    found = replay(drawn.program, drawn.population, drawn.history)
    always = replay(drawn.program, drawn.population, drawn.history, looks_always=True)
    assert found.outcomes == always.outcomes
    assert found.outcomes == lived(drawn)
    assert found.wakes <= always.wakes


@pytest.mark.parametrize("margin", [TIERS, FORMULA], ids=["tiers", "formula"])
def test_everything_happens_and_is_found(margin: str) -> None:
    """In one wild world pools are warned, called, cured, restricted, liquidated and left with a shortfall."""
    drawn = Drawn(program_of(STEPS, margin, "short"), make_population(3, 80), make_history(1, 600, 0.0015))
    found = replay(drawn.program, drawn.population, drawn.history)
    assert found.outcomes == lived(drawn)
    worst = Counter(one.worst for one in found.outcomes)
    assert set(WORST) - set(worst) <= {"called"}, worst  # this call restricts as well
    assert any(one.is_cured for one in found.outcomes)
    assert any(one.unmet_calls for one in found.outcomes)
    assert any(one.cured_calls and one.rounds for one in found.outcomes)
    # Each pool is looked at in a small part of the rows.
    assert found.wakes < 0.04 * 600 * found.pools


@pytest.mark.parametrize("block_rows", [1, 15, 16, 17, 33, 1_000])
def test_the_size_of_blocks_does_not_matter(block_rows: int) -> None:
    """How many rows are laid out at a time changes nothing."""
    program, population, history = program_of(), make_population(4, 20), make_history(8, 200, 0.005)
    expected = replay(program, population, history)
    assert Replayer(program, population, history, block_rows=block_rows).run() == expected


def test_a_gap_is_no_health() -> None:
    """Where a price is missing for longer than it may be old, pools cannot be assessed, and that is told."""
    program, population = program_of(), make_population(4, 20)
    whole, holed = make_history(8, 200, 0.002, gaps=0.0), make_history(8, 200, 0.002, gaps=0.5)
    assert all(not one.unassessed for one in replay(program, population, whole).outcomes)
    assert all(one.unassessed > 50 for one in replay(program, population, holed).outcomes)


def test_what_has_no_prices_at_all_is_never_assessed() -> None:
    """An instrument without a column is not taken for worthless."""
    program, population, history = program_of(), make_population(4, 20), make_history(8, 50, 0.002, gaps=0.0)
    keep = [k for k, (name, _) in enumerate(history.columns) if name != "A-PERP"]
    width = len(history.columns)
    values = type(history.values)("d", [history.values[row * width + k] for row in range(50) for k in keep])
    short = type(history)(history.times_ns, tuple(history.columns[k] for k in keep), values)
    holders = {
        one.account_id for one in population.accounts if any(p.symbol == "A-PERP" for p in one.pools[0].positions)
    }
    found = {one.account: one for one in replay(program, population, short).outcomes if one.pool == one.account}
    assert holders
    assert all(found[name].unassessed == 50 for name in holders)


def test_worst_is_the_last_that_happened() -> None:
    """The names of what happened stand in their order."""
    assert Outcome("A").worst == "nothing"
    assert Outcome("A", warned_ns=1).worst == "warned"
    assert Outcome("A", warned_ns=1, called_ns=2, restricted_ns=2).worst == "restricted"
    assert Outcome("A", warned_ns=1, liquidated_ns=2).worst == "liquidated"
    assert Outcome("A", warned_ns=1, liquidated_ns=2, defaulted_ns=3).worst == "defaulted"
