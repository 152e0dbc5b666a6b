# SPDX-License-Identifier: Apache-2.0
"""How fast a value in use follows what is published."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginrules.terms import MoveLimit
from marginrules.units import DAY_NS

LIMIT = MoveLimit(rise=0.2, fall=0.05, per_ns=DAY_NS)
_values = st.just(0.0) | st.floats(1e-12, 1e15)
_rates = st.none() | st.floats(1e-9, 0.9999)
_times = st.integers(0, 1 << 62)


@pytest.mark.parametrize(
    ("value", "days", "used"),
    [
        (0.5, 1, 0.24),
        (0.5, 2, 0.2 * 1.2**2),
        (0.5, 0.5, 0.2 * math.sqrt(1.2)),
        (0.5, 0, 0.2),
        (0.21, 1, 0.21),
        (0.1, 1, 0.19),
        (0.1, 2, 0.2 * 0.95**2),
        (0.195, 1, 0.195),
        (0.2, 0, 0.2),
        (5.0, 1e5, 5.0),  # so long after, anything goes
        (1e-9, 1e6, 1e-9),
    ],
)
def test_moves_are_limited_pro_rata(value: float, days: float, used: float) -> None:
    """The value in use rises by at most 20 % a day and falls by at most 5 %, compounded over the time between."""
    assert LIMIT.used(0.2, 7, value, 7 + int(days * DAY_NS)) == pytest.approx(used, rel=1e-14)


def test_a_way_without_a_limit_is_free() -> None:
    """A limit of one way says nothing about the other."""
    assert MoveLimit(0.2, None, DAY_NS).used(0.2, 0, 0.001, 0) == 0.001
    assert MoveLimit(None, 0.05, DAY_NS).used(0.2, 0, 9.0, 0) == 9.0


def test_nothing_can_be_left() -> None:
    """From 0, of which every part is 0, any value is reached."""
    assert LIMIT.used(0.0, 0, 0.3, 0) == 0.3


@given(_rates, _rates, _values, _values, _times, _times, st.integers(10**9, 1 << 55))
def test_what_is_used_lies_between(
    rise: float | None, fall: float | None, last: float, value: float, one: int, two: int, per_ns: int
) -> None:
    """Whatever the numbers, what is used is finite and lies between the last value and the new one."""
    used = MoveLimit(rise, fall, per_ns).used(last, min(one, two), value, max(one, two))
    assert min(last, value) <= used <= max(last, value)
