# SPDX-License-Identifier: Apache-2.0
"""
Positions of a table that compares strategy-based and portfolio margin, at the close of one day in 2007.

The table gives prices but no rates. The text beside it says 5.25 % for a year, taken as an effective rate, and a yield
of 1.8 % for the index. No dividend of the share falls before the expiry, so its yield is 0.
"""

from __future__ import annotations

import math
from typing import Any

from tests.conformance.adapters import Answers, Case, NotCoveredError, adapter
from tests.conformance.adapters.us_options import strategy_requirement
from tests.conformance.world import World, rulebook, with_changes

RATE = math.log(1.0525)  # continuous
INDEX_YIELD = 0.018
INDICES = ("SPX", "NDX", "RUT", "OEX", "DJX")
AMERICAN_INDICES = ("OEX",)


@adapter("cboe_portfolio_margin", "strategy_vs_portfolio_margin")
def compared_margin(case: Case, _: dict[str, Any]) -> Answers:
    """Answer both requirements."""
    given = case["input"]
    portfolio: float | NotCoveredError
    if "days_to_expiry" in given and "valuation_moves" in given:
        portfolio = portfolio_world(given).settle().assess().maintenance_margin
    else:
        portfolio = NotCoveredError("the table gives neither expiries nor valuation points")
    return {
        "strategy_requirement_net_of_premium": strategy_requirement(case),
        "portfolio_requirement": portfolio,
    }


def portfolio_world(given: dict[str, Any]) -> World:
    """Return a world that holds the position of a case."""
    underlying = given["underlying"].split()[0]
    is_index = underlying in INDICES
    moves = given["valuation_moves"]
    up, down = max(moves), -min(moves)
    changes = {
        "scenarios.points": {"rows": [{"part": move / (up if move > 0 else down)} for move in moves]},
        "parameters.up": {"default": up},
        "parameters.down": {"default": down},
        "parameters.american": {"default": int(not is_index or underlying in AMERICAN_INDICES)},
    }
    world = World(with_changes(rulebook("us-portfolio-margin"), changes))
    world.balance("USD", 1.0)
    market = {
        "underlying": underlying,
        "index": given["spot"],
        "rate": RATE,
        "dividend_yield": INDEX_YIELD if is_index else 0.0,
    }
    if given["shares"]:
        world.instrument("SHARES", "spot", given["share_price"] or given["spot"], underlying=underlying)
        world.position("SHARES", given["shares"])
    for number, leg in enumerate(given["legs"]):
        symbol = world.instrument(
            f"{underlying}-{number}",
            "option",
            leg["price"],
            strike=leg["strike"],
            right=leg["right"],
            days=given["days_to_expiry"],
            multiplier=given["multiplier"],
            **market,
        )
        world.position(symbol, leg["contracts"])
    return world
