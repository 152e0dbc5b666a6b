# SPDX-License-Identifier: Apache-2.0
"""Which positions one round of a liquidation closes, and how much of each."""

from __future__ import annotations

import math

from marginrules.escalation.state import Measure
from marginrules.model import Holding
from marginrules.terms import LiquidationTerms

_NOISE = 1e-9


def plan_round(terms: LiquidationTerms, measure: Measure, until: float, dust: float) -> list[tuple[str, float]]:
    """
    Return the orders of one round.

    A fraction closes that part of every position. A target reduces maintenance margin to equity / target, position by
    position in the order the rulebook names; tiers make the requirement convex, so a part of a position frees at least
    that part of its requirement. Without equity no ratio can be reached by closing a part: a target closes everything.

    Args:
        dust: a position of which less than this would be left, by value, is closed whole; fractions of fractions would
            never end.

    Returns:
        (symbol, signed quantity to trade); a long position is sold.

    Rounding:
        Up to the instrument's quantity step, never beyond the position.
    """
    if terms.fraction:
        shares = {one.symbol: terms.fraction for one in measure.holdings}
    else:
        shares = _shares_to_target(terms, measure, max(terms.target, until))
    orders = []
    for one in _in_order(terms.first, measure.holdings):
        share = shares.get(one.symbol, 0.0)
        share = 1.0 if share > 0.0 and abs(one.notional) * (1.0 - share) < dust else share
        quantity = _round_up(abs(one.quantity) * share, one)
        if quantity > 0.0:
            orders.append((one.symbol, -math.copysign(quantity, one.quantity)))
    return orders


def _in_order(first: str, holdings: tuple[Holding, ...]) -> list[Holding]:
    keys = {
        "largest_loss": lambda one: (one.unrealized_pnl, one.symbol),
        "largest_margin": lambda one: (-one.maintenance_margin, one.symbol),
        "pro_rata": lambda one: (0.0, one.symbol),
    }
    return sorted((one for one in holdings if one.quantity != 0.0), key=keys[first])


def _shares_to_target(terms: LiquidationTerms, measure: Measure, target: float) -> dict[str, float]:
    if measure.equity <= 0.0:
        return {one.symbol: 1.0 for one in measure.holdings}
    excess = measure.maintenance_margin - measure.equity / (target * (1.0 + _NOISE))
    if terms.first == "pro_rata":
        share = min(1.0, excess / measure.maintenance_margin)
        return {one.symbol: share for one in measure.holdings}
    shares = {}
    for one in _in_order(terms.first, measure.holdings):
        if excess <= 0.0:
            break
        if one.maintenance_margin > 0.0:
            shares[one.symbol] = min(1.0, excess / one.maintenance_margin)
            excess -= one.maintenance_margin
    return shares


def _round_up(quantity: float, one: Holding) -> float:
    held = abs(one.quantity)
    if one.quantity_step <= 0.0:
        return min(quantity, held)
    return min(math.ceil(quantity / one.quantity_step - _NOISE) * one.quantity_step, held)
