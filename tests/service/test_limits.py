# SPDX-License-Identifier: Apache-2.0
"""The rulebook's limits of moves in a shard: applied, remembered, recorded, and the same in a replay."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marginrules.machine import Field
from marginrules.service.past import entry_body
from marginrules.service.shard import Shard
from marginrules.units import DAY_NS
from tests.service.test_options import CALL, NOW, PERSON, RULES, price, shard_with

LIMITED = RULES.replace(
    "collateral:", "marks: {max_age: 7d, limits: {volatility: {rise: 20%, fall: 5%, per: 1d}}}\ncollateral:"
)


def limited_shard() -> Shard:
    """Return a shard under limits in which the call's volatility was 25 % when it was published first."""
    shard = Shard()
    shard.apply("activate", {"text": LIMITED, "file": "options.yaml", **PERSON}, NOW)
    shard.apply("instruments", {"instruments": [CALL]}, NOW)
    shard.apply("prices", {"sequence": 1, "prices": [price(volatility=0.25)]}, NOW)
    return shard


def publish(shard: Shard, days: int, **fields: float) -> dict[str, Any]:
    """Publish fields some days later; return the reply."""
    now = NOW + days * DAY_NS
    data = {"sequence": shard.market_sequence + 1, "prices": [price(**fields) | {"time_ns": now}]}
    return shard.apply("prices", data, now).reply


def volatility(shard: Shard) -> float | None:
    """Return the volatility that the core uses."""
    return shard.book.engine.quotes_of(0).get(Field.VOLATILITY)


def test_a_value_is_followed_step_by_step() -> None:
    """Each update moves from what was used last, not from what was published; the record says what was used."""
    shard = limited_shard()
    assert publish(shard, 0, volatility=0.9) == {
        "count": 1,
        "sequence": 2,
        "limited": {"XYZ-C95": {"volatility": 0.25}},
    }
    assert publish(shard, 1, volatility=0.9)["limited"] == {"XYZ-C95": {"volatility": 0.3}}
    assert volatility(shard) == 0.3
    publish(shard, 2, volatility=0.9)
    assert volatility(shard) == pytest.approx(0.36)
    assert "limited" not in publish(shard, 3, volatility=0.4, index=100.0)
    assert volatility(shard) == 0.4
    publish(shard, 4, volatility=0.1)
    assert volatility(shard) == pytest.approx(0.38)


def test_leaving_a_field_out_lifts_no_limit() -> None:
    """What an update leaves out is not known, and what comes after it is still measured by what was used last."""
    shard = limited_shard()
    publish(shard, 1, index=100.0)
    assert volatility(shard) is None
    publish(shard, 2, volatility=0.9)
    assert volatility(shard) == pytest.approx(0.25 * 1.44)


def test_other_fields_move_freely() -> None:
    """Only what the rulebook names is limited."""
    shard = limited_shard()
    publish(shard, 0, index=1.0)
    assert "limited" not in publish(shard, 0, index=1e6)


def test_a_new_rulebook_limits_from_what_is_used() -> None:
    """Limits that come with a new rulebook count from the last value under the old one; those that go are gone."""
    shard = shard_with(1.0)
    shard.apply("activate", {"text": LIMITED, "file": "options.yaml", **PERSON}, NOW)
    publish(shard, 1, volatility=0.9)
    assert volatility(shard) == 0.3
    shard.apply("activate", {"text": RULES, "file": "options.yaml", **PERSON}, NOW + DAY_NS)
    publish(shard, 1, volatility=0.9)
    assert volatility(shard) == 0.9


def test_a_replay_uses_the_same_values() -> None:
    """The same commands give the same replies, bit for bit, and the same values in use."""
    bodies = []
    for _ in range(2):
        shard = limited_shard()
        replies = [publish(shard, day, volatility=0.2 + day % 3 * 0.3, index=90.0 + day) for day in range(6)]
        bodies.append((json.dumps(replies, sort_keys=True), shard.book.engine.quotes_of(0)))
    assert bodies[0] == bodies[1]
    outcome = shard.apply(
        "prices", {"sequence": 99, "prices": [price(volatility=9.0) | {"time_ns": NOW + 9 * DAY_NS}]}, NOW + 9 * DAY_NS
    )
    assert b'"limited":{"XYZ-C95":{"volatility":' in entry_body({}, outcome, "")
