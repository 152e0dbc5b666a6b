# SPDX-License-Identifier: Apache-2.0
"""US options by strategies: `rules/us-options` for the rules, `rules/lean-options` for one platform's reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.world import Settled, World, plain, rulebook, with_changes

BROAD = "broad_index_or_etf"
CONTRACT = 100.0
SOON = 1.0  # second, for an expiry that a case does not give
SMALLEST_PRICE = 1e-12  # a case writes 1e-25 for a price of nothing
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS_OF_MONTH = {name: 20.0 * number for number, name in enumerate(MONTHS, start=1)}  # only their order matters
Leg = dict[str, Any]


def option(world: World, number: int, leg: Leg, spot: float, multiplier: float, days: float = 0.0) -> None:
    """Give the account one leg; 0 days where every leg expires at the same time."""
    name = world.instrument(
        f"X-{number}",
        "option",
        leg["price"] if leg["price"] >= SMALLEST_PRICE else 0.0,
        underlying="X",
        strike=leg["strike"],
        right=leg["right"],
        multiplier=multiplier,
        index=spot,
        seconds=days * 86_400 or SOON,
    )
    world.position(name, leg["quantity"])


def shares(world: World, quantity: float, price: float, spot: float, multiplier: float = 1.0) -> None:
    """Give the account shares of the underlying."""
    if quantity:
        world.instrument("X", "spot", price, underlying="X", multiplier=multiplier, index=spot)
        world.position("X", quantity, price)


# Cboe


@adapter("cboe_margin_manual", "strategy_margin")
def cboe_margin_manual(case: Case, _: dict[str, Any]) -> Answers:
    """Answer with what the Margin Manual prints."""
    given = case["input"]
    is_broad = given["class"] == BROAD
    changes = {
        "parameters.naked_rate": {"default": "15%" if is_broad else "20%"},
        "parameters.is_broad_index": {"default": int(is_broad)},
        "parameters.fund_leverage": {"default": given.get("leverage_factor", 1)},
    }
    world = World(with_changes(rulebook("us-options"), changes), "margin")
    spot = given["underlying_price"]
    for number, leg in enumerate(given["legs"]):
        if "right" in leg:
            option(world, number, leg, spot, CONTRACT, days=leg.get("days_to_expiry", 0))
        else:
            shares(world, leg["shares"], leg["price"], spot)
    settled = world.settle()
    return {
        "margin_requirement": settled.figure("margin_account_deposit_in_dollars"),
        "cash_requirement": settled.figure("cash_account_deposit_in_dollars"),
    }


def strategy_requirement(case: Case) -> float:
    """Return the strategy column of Cboe's comparison with portfolio margin."""
    given = case["input"]
    is_broad = "SPX" in given["underlying"]
    changes = {"parameters.naked_rate": {"default": "15%" if is_broad else "20%"}}
    world = World(with_changes(rulebook("us-options"), changes), "margin")
    for number, leg in enumerate(given["legs"]):
        days = DAYS_OF_MONTH.get(leg.get("expiry", ""), given.get("days_to_expiry", 0))
        one = leg | {"quantity": leg["contracts"]}
        option(world, number, one, given["spot"], given.get("multiplier", CONTRACT), days=days)
    price = given.get("share_price") or given["spot"]
    # Shares of a fund on an index: ten of SPY stand for one unit of SPX.
    units = 0.1 if price < 0.5 * given["spot"] else 1.0
    shares(world, given.get("shares") or 0, price / units, given["spot"], units)
    return world.settle().figure("requirement_net_of_premium")


# LEAN


def lean(changes: dict[str, Any]) -> World:
    """Return a world of LEAN's options."""
    return World(with_changes(rulebook("lean-options"), changes))


def stock_rates(rate: float) -> dict[str, str]:
    """Return LEAN's one rate on shares."""
    return {"constants.stock_initial": plain(rate), "constants.stock_maintenance": plain(rate)}


@adapter("lean_single_options", "short_option")
def lean_single_option(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for a short option alone."""
    given = case["input"]
    world = lean(
        {
            "parameters.naked_rate": {"default": given["otm_rate"]},
            "parameters.naked_least": {"default": given["minimum_rate"]},
        }
    )
    option(world, 0, given, given["underlying_price"], given["multiplier"])
    settled = world.settle()
    if "entry_price" in given:
        return {"maintenance_margin": settled.figure("maintenance_at_sale_price", "X-0", sold_at=given["entry_price"])}
    return {"maintenance_margin": settled.assess().maintenance_margin}


@adapter("lean_option_strategies", "option_strategy")
def lean_option_strategy(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for a strategy by its legs; its name is not needed."""
    given = case["input"]
    single = strategy(given, 1)
    found = single.assess()
    return {
        "initial_margin_ex_premium": found.initial_margin,
        "premium": single.figure("premium"),
        "maintenance_margin": found.maintenance_margin,
        "initial_with_premium_qty10": strategy(given, 10).figure("initial_with_premium"),
    }


def strategy(given: dict[str, Any], times: int) -> Settled:
    """Return an account that holds a strategy a number of times."""
    world = lean(stock_rates(given["stock_margin_rate"]))
    spot = given["underlying_price"]
    expiries = [dt.date.fromisoformat(leg["expiry"]) for leg in given["legs"]]
    for number, (leg, expiry) in enumerate(zip(given["legs"], expiries, strict=True)):
        days = (expiry - min(expiries)).days
        one = leg | {"quantity": times * leg["quantity"]}
        option(world, number, one, spot, given["multiplier"], days=days)
    shares(world, times * given["shares"], spot, spot)
    return world.settle()


@adapter("lean_option_strategies", "pre_trade_order")
def lean_order(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for an order of several legs: the account after it against the account before."""
    given = case["input"]
    before = account_after(given["held"], (), given).assess()
    after = account_after(given["held"], given["order"], given)
    was = {"initial_before": before.initial_margin, "collateral_before": before.collateral_value}
    return {
        "cost": after.figure("cost_of_order", "", **was),
        "accept": after.figure("cash_after_order", "", **was) >= 0.0,
    }


def account_after(held: Iterable[Leg], order: Iterable[Leg], given: dict[str, Any]) -> Settled:
    """Return the account that holds some legs and has bought others at their prices."""
    world = lean({})
    world.balance("USD", given["cash"])
    legs: dict[tuple[str, float, str], Leg] = {}
    for leg in held:
        add(legs, leg)
    for leg in order:
        add(legs, leg)
        world.balance("USD", -leg["quantity"] * leg["price"] * CONTRACT)
    for number, leg in enumerate(legs.values()):
        option(world, number, leg, given["underlying_price"], CONTRACT)
    return world.settle()


def add(legs: dict[tuple[str, float, str], Leg], leg: Leg) -> None:
    """Add a leg to what is held of the same option."""
    key = leg["right"], leg["strike"], leg.get("expiry", "")
    legs[key] = leg | {"quantity": leg["quantity"] + legs.get(key, {"quantity": 0})["quantity"]}


@adapter("lean_margin_call", "margin_call_decision")
def lean_margin_call(case: Case, _: dict[str, Any]) -> Answers:
    """Answer whether LEAN would warn and sell."""
    given = case["input"]
    changes: dict[str, Any] = {
        "constants.buffer": plain(given["buffer"]),
        "constants.warning_fraction": plain(given["warning_fraction"]),
    }
    if "leverage" in given:
        changes |= stock_rates(1 / given["leverage"])
    world = lean(changes)
    world.balance("USD", given["cash"])
    price = given.get("underlying_price", given.get("price"))
    shares(world, given.get("shares", 0), price, price)
    for number, leg in enumerate(given.get("legs", ())):
        one = leg if isinstance(leg, dict) else dict(zip(("right", "strike", "quantity", "price"), leg, strict=True))
        option(world, number, one, price, CONTRACT)
    settled = world.settle()
    closed = settled.figure("positions_to_close")
    return {
        "warning": settled.figure("warning") == 1.0,
        "liquidation_orders": closed > 0.0,
        "order_count": closed,
    }


@adapter("lean_margin_call", "margin_remaining")
def lean_margin_remaining(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what is there for an order."""
    return {"margin_remaining": remaining(case["input"])}


def remaining(given: dict[str, Any]) -> float:
    """Return LEAN's margin remaining; the account's value is made up by cash."""
    world = lean(stock_rates(1 / given["leverage"]))
    world.balance("USD", given["portfolio_value"] - given["position"] * given["price"])
    shares(world, given["position"], given["price"], given["price"])
    return world.settle().figure("margin_remaining", "X", is_buy=float(given["order_side"] == "buy"))
