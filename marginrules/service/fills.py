# SPDX-License-Identifier: Apache-2.0
"""What a fill does to a position and to cash: average entry price on the way in, realised profit on the way out."""

from __future__ import annotations

import math

from marginrules.model import Instrument


def apply_fill(
    instrument: Instrument, held: float, entry_price: float, quantity: float, price: float
) -> tuple[float, float, float]:
    """
    Fill a signed quantity at a price.

    Returns:
        (quantity now held, its entry price, cash in the settlement asset: realised, or for spot and options, paid).

    Source: average cost; an inverse contract averages 1 / price, as its value is -multiplier / price.
    """
    if instrument.kind.is_outright:
        return _sum(held, quantity), 0.0, -quantity * instrument.multiplier * price
    after = _sum(held, quantity)
    closed = -math.copysign(min(abs(quantity), abs(held)), quantity) if held * quantity < 0.0 else 0.0
    realised = closed * (_value(instrument, price) - _value(instrument, entry_price)) if closed else 0.0
    if after == 0.0:
        return 0.0, 0.0, realised
    if closed:
        return after, price if after * held < 0.0 else entry_price, realised
    if held == 0.0:
        return after, price, realised
    paid = held * _value(instrument, entry_price) + quantity * _value(instrument, price)
    average = paid / after / instrument.multiplier
    return after, (-1.0 / average if instrument.inverse else average), realised


def _value(instrument: Instrument, price: float) -> float:
    """Return the value of one contract in the settlement asset."""
    return -instrument.multiplier / price if instrument.inverse else instrument.multiplier * price


def _sum(held: float, quantity: float) -> float:
    """Add two quantities; what is left by the noise of decimal fractions is nothing."""
    after = held + quantity
    return 0.0 if abs(after) <= 1e-12 * max(abs(held), abs(quantity)) else after
