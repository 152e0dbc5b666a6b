# SPDX-License-Identifier: Apache-2.0
"""What an impact comes to in words, and populations that are read of plain data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marginrules.authoring.impact import impact, read_population, replay
from marginrules.authoring.impact.outcome import Outcome, summary
from marginrules.authoring.impact.present import Moved, Standing
from marginrules.authoring.impact.words import cured_words, moved_words, past_counts
from marginrules.errors import InputError
from marginrules.units import SECOND_NS
from tests.authoring.impact.worlds import STEPS, TIERS, make_history, make_population, program_of


def test_counts_are_of_both_sides() -> None:
    """Each thing is counted before and after."""
    after = program_of(STEPS.replace("below: 120%", "below: 128%"), TIERS, name="after")
    found = impact(make_population(3, 20), make_history(1, 100, 0.002), program_of(), after)
    counts = {one.what: (one.before, one.after) for one in past_counts(found)}
    assert counts["called"] == (found.before.called, found.after.called)
    assert counts["calls"] == (found.before.calls, found.after.calls)
    assert found.before.calls < found.after.calls


def test_a_moved_pool_is_told_in_one_line() -> None:
    """Step, ratio, MM, and what it lacks."""
    before = Standing("", 1_500.0, 2_000.0, 1_000.0, has_orders=False)
    after = Standing("call", 1_500.0, 2_500.0, 1_250.0, has_orders=False)
    said = "A|B: no step -> call, ratio 150.0% -> 120.0%, MM 1 250.00, lacks 1 000.00 to IM"
    assert moved_words(Moved("A|B", before, after)) == said
    flat = replace(after, equity=float("nan"), maintenance_margin=0.0)
    assert moved_words(Moved("A", before, flat)).endswith("ratio 150.0% -> none, MM 0.00")


def test_cures_are_told_with_their_time() -> None:
    """Half of them within, and the last."""
    minute = 60 * SECOND_NS
    called = Outcome("A", warned_ns=1, called_ns=1, calls=1)
    outcomes = [called._replace(pool=str(k), cured_calls=1, cure_ns=k * minute) for k in (1, 2, 9)]
    outcomes.append(called._replace(pool="4", rounds=1))
    times, sizes = (1, 0, 1), (9, 9)
    said = "3 of 4 called pools came back by themselves, half of them within 2m, the last within 9m"
    assert cured_words(summary("r", "d", times, sizes, outcomes)) == said
    assert cured_words(summary("r", "d", times, sizes, [])) == "nobody would have been called"
    assert cured_words(summary("r", "d", times, sizes, outcomes[3:])) == "none of 1 called pools came back by itself"


def test_a_population_is_read_of_what_commands_take() -> None:
    """Instruments and accounts as the server takes them; each is checked as there."""
    perpetual = {"symbol": "A-PERP", "kind": 2, "underlying": "A", "settlement": "USD"}
    position = {"symbol": "A-PERP", "quantity": -10.0, "entry_price": 100.0}
    pool = {"balances": [{"asset": "USD", "amount": 80.0}], "positions": [position]}
    account = {"account_id": "a", "account_class": "default", "sequence": 1, "pools": [pool]}
    found = read_population([perpetual], [account])
    assert found.accounts[0].pools[0].positions[0].quantity == -10.0
    assert replay(program_of(), found, make_history(1, 50, 0.01, gaps=0.0)).outcomes
    with pytest.raises(InputError, match="B-PERP is not known"):
        read_population([perpetual], [account | {"pools": [{"positions": [position | {"symbol": "B-PERP"}]}]}])
    with pytest.raises(InputError, match="twice"):
        read_population([perpetual], [account, account])
