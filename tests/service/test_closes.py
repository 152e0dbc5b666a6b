# SPDX-License-Identifier: Apache-2.0
"""Closes in a shard: kept in order and by name, bounded, part of the fold, and the source of realized volatility."""

from __future__ import annotations

import math
from typing import Any

import pytest

from marginrules.codes import Reason
from marginrules.errors import InputError
from marginrules.limits import BATCH_ITEMS_MAX, CLOSES_PER_SERIES_MAX
from marginrules.machine import Field
from marginrules.service import history
from marginrules.service.shard import Shard
from marginrules.service.views import view_pool
from marginrules.units import DAY_NS
from tests.service import test_options
from tests.service.test_history import walk
from tests.service.test_options import CALL, NOW, price, shard_with


def publish(shard: Shard, name: str, closes: list[float], first_day: int = 0, replace: bool = False) -> dict[str, Any]:
    """Publish daily closes; return the reply."""
    rows = [{"time_ns": (first_day + k) * DAY_NS, "close": one} for k, one in enumerate(closes)]
    return shard.apply("closes", {"replace": replace, "series": [{"name": name, "closes": rows}]}, NOW).reply


def realized(shard: Shard, instrument: int = 0) -> float | None:
    """Return the realized volatility that the core knows."""
    return shard.book.engine.quotes_of(instrument).get(Field.REALIZED_VOLATILITY)


def test_realized_volatility_reaches_every_instrument_of_the_underlying() -> None:
    """It is there as soon as closes are, stays through price updates, and comes to instruments defined later."""
    shard = shard_with(1.0)
    closes = walk(60)
    assert realized(shard) is None
    assert publish(shard, "XYZ", closes) == {"count": 60}
    expected = history.realized_volatility([k * DAY_NS for k in range(60)], closes)
    assert realized(shard) == expected
    shard.apply("prices", {"sequence": 2, "prices": [price(rate=0.03)]}, NOW)
    assert realized(shard) == expected
    shard.apply("instruments", {"instruments": [CALL | {"symbol": "XYZ-C99", "strike": 99.0}]}, NOW)
    assert realized(shard, 1) == expected


def test_closes_of_an_instrument_come_before_those_of_its_underlying() -> None:
    """Where an instrument has closes of its own, its volatility is theirs."""
    shard = shard_with(1.0)
    publish(shard, "XYZ", walk(60))
    before = realized(shard)
    publish(shard, "XYZ-C95", walk(60, 0.2))
    assert realized(shard) != before
    closes = shard.book.closes_of(shard.book.instruments["XYZ-C95"])
    assert closes is shard.book.closes["XYZ-C95"]


def test_too_few_closes_take_the_volatility_away() -> None:
    """A replaced series is all there is: what it says nothing about is not known."""
    shard = shard_with(1.0)
    publish(shard, "XYZ", walk(60))
    publish(shard, "XYZ", [100.0, 101.0], replace=True)
    assert realized(shard) is None
    assert list(shard.book.closes["XYZ"].closes) == [100.0, 101.0]


def test_closes_append_in_order_and_the_newest_are_kept() -> None:
    """A series has at most 10,000 closes; older ones make room."""
    shard = shard_with(1.0)
    publish(shard, "XYZ", [float(k + 1) for k in range(CLOSES_PER_SERIES_MAX)])
    publish(shard, "XYZ", [5.0, 6.0], CLOSES_PER_SERIES_MAX)
    known = shard.book.closes["XYZ"]
    assert (len(known.closes), known.closes[0], list(known.closes[-2:])) == (CLOSES_PER_SERIES_MAX, 3.0, [5.0, 6.0])
    assert list(known.times_ns) == [(k + 2) * DAY_NS for k in range(CLOSES_PER_SERIES_MAX)]
    with pytest.raises(InputError, match="not after the last one known"):
        publish(shard, "XYZ", [7.0], CLOSES_PER_SERIES_MAX + 1)


@pytest.mark.parametrize("close", [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e300, 1e-13])
def test_closes_are_positive_and_finite(close: float) -> None:
    """One bad close refuses all of the request, and nothing has changed."""
    shard = shard_with(1.0)
    publish(shard, "XYZ", [100.0, 101.0])
    with pytest.raises(InputError, match="close of XYZ"):
        publish(shard, "XYZ", [102.0, close], 2)
    assert list(shard.book.closes["XYZ"].closes) == [100.0, 101.0]


def test_a_request_has_a_limit() -> None:
    """Ten thousand closes are a request; one more is refused, however they are spread over series."""
    shard = shard_with(1.0)
    rows = [{"time_ns": k * DAY_NS, "close": 1.0} for k in range(BATCH_ITEMS_MAX)]
    more = [{"name": "XYZ", "closes": rows}, {"name": "XYZ-C95", "closes": rows[:1]}]
    with pytest.raises(InputError, match="10001 items"):
        shard.apply("closes", {"replace": True, "series": more}, NOW)
    assert shard.book.closes == {}


def test_the_same_closes_give_the_same_bits() -> None:
    """In one request or in many, the volatility is the same double."""
    closes = walk(300)
    whole, parts = shard_with(1.0), shard_with(1.0)
    publish(whole, "XYZ", closes)
    for day in range(0, 300, 7):
        publish(parts, "XYZ", closes[day : day + 7], day)
    assert realized(whole) == realized(parts)


def test_formulas_follow_closes_and_open_interest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a formula has prepared is prepared again when closes come; what is not known leaves no figure."""
    tiers = "margin: {model: tiers, tiers: [{initial: 20%, maintenance: 10%}]}"
    initial = "notional * realized_volatility + 1% * open_interest"
    formula = f"margin: {{model: formula, initial: {initial}, maintenance: notional * realized_volatility}}"
    monkeypatch.setattr(test_options, "RULES", test_options.RULES.replace(tiers, formula))
    shard = shard_with(1.0)
    shard.apply("prices", {"sequence": 2, "prices": [price(index=98.0) | {"open_interest": 500.0}]}, NOW)
    assert not view_pool(shard, 0, NOW).valid
    publish(shard, "XYZ", walk(60))
    volatility = realized(shard)
    assert volatility is not None
    assert view_pool(shard, 0, NOW).initial_margin == pytest.approx(9_800.0 * volatility + 5.0, rel=1e-12)
    shard.apply("prices", {"sequence": 3, "prices": [price(index=98.0)]}, NOW)
    view = view_pool(shard, 0, NOW)
    assert (view.valid, Reason.MISSING_DATA in view.reasons) == (False, True)
    shard.apply("prices", {"sequence": 4, "prices": [price(index=98.0) | {"open_interest": 0.0}]}, NOW)
    assert view_pool(shard, 0, NOW).initial_margin == pytest.approx(9_800.0 * volatility, rel=1e-12)
