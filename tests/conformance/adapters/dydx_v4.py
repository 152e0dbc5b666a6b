# SPDX-License-Identifier: Apache-2.0
"""Perpetuals in whole numbers, under `rules/dydx`: amounts in millionths of a USDC, quantities in base quantums."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from marginrules.limits import MAGNITUDE_MAX
from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.world import Settled, World, plain, rulebook, with_changes

FILE = "dydx_v4"
MARKET = "BTC"
QUOTE_RESOLUTION = -6
WHOLE_PPM = 1_000_000
OUTCOMES = {1: "accept", 0: "still_undercollateralized", -1: "newly_undercollateralized"}


def world(markets: dict[str, dict[str, Any]]) -> World:
    """Make a world of markets by name: initial and maintenance margin in parts per million, caps of open interest."""
    parameters = {
        "initial_ppm": {name: one.get("imf_ppm", 0) for name, one in markets.items()},
        "maintenance_ppm": {name: one.get("maintenance_fraction_ppm", 0) for name, one in markets.items()},
        "lower_cap": {name: f"{plain(one.get('oi_lower_cap', 0))} uUSDC" for name, one in markets.items()},
        "upper_cap": {name: f"{plain(one.get('oi_upper_cap', 0))} uUSDC" for name, one in markets.items()},
    }
    changes = {
        f"parameters.{name}": {"default": "0 uUSDC" if "cap" in name else 0} | values
        for name, values in parameters.items()
    }
    return World(with_changes(rulebook("dydx"), changes))


def of_markets(params: dict[str, Any]) -> World:
    """Make a world of the markets that a file gives for all its cases."""
    markets = params["markets"]
    made = world(
        {name: {"imf_ppm": one["imf"], "maintenance_fraction_ppm": one["mf"]} for name, one in markets.items()}
    )
    for name, one in markets.items():
        market(made, name, one["price"], one["exp"], one["res"])
    return made


def market(
    made: World, name: str, price: int, exponent: int = 0, resolution: int = QUOTE_RESOLUTION, interest: float = 0
) -> None:
    """Define a perpetual: `price` x 10^`exponent` USDC for 10^-`resolution` base quantums."""
    scale, interest = scale_of(exponent, resolution), min(float(interest), MAGNITUDE_MAX)  # above every cap
    made.instrument(name, "perpetual", float(price), underlying=name, multiplier=scale, open_interest=interest)


def scale_of(exponent: int, resolution: int) -> float:
    """Return what turns a price into quote quantums for one base quantum."""
    return float(Fraction(10) ** (exponent + resolution - QUOTE_RESOLUTION))


def settled(made: World, params: dict[str, Any], account: dict[str, Any]) -> Settled:
    """
    Give an account its quote quantums and positions.

    Quote quantums are what is left after every purchase. Here a position is booked at its own cost, so each is booked
    at one for each base quantum, and as much is put back to the quote quantums.
    """
    made.balance("uUSDC", account["quote_quantums"] + sum(one["base_quantums"] for one in account["positions"]))
    for one in account["positions"]:
        market = params["markets"][one["market"]]
        made.position(one["market"], one["base_quantums"], 1 / scale_of(market["exp"], market["res"]))
    return made.settle()


def standing(equity: int, initial: int, maintenance: int) -> Settled:
    """Make an account that stands as given: one position needs initial margin only, another both."""
    made = world(
        {
            "FIRST": {"imf_ppm": WHOLE_PPM},
            "BOTH": {"imf_ppm": WHOLE_PPM, "maintenance_fraction_ppm": WHOLE_PPM},
        }
    )
    made.balance("uUSDC", equity)
    for name, quantity in (("FIRST", max(initial - maintenance, 0)), ("BOTH", maintenance)):
        market(made, name, 1)
        made.position(name, quantity, entry_price=1.0)
    return made.settle()


def one_market(given: dict[str, Any], quantity: float = 1, interest: float = 0, **price: int) -> Settled:
    """Make an account with one position in one market."""
    made = world({MARKET: given})
    market(made, MARKET, price.pop("price", 1), interest=interest, **price)
    made.position(MARKET, quantity, entry_price=1.0)
    return made.settle()


@adapter(FILE, "maintenance_fraction", "funding_clamp", "funding_settlement")
def rates(case: Case, _: dict[str, Any]) -> Answers:
    """Answer rates of a market and what funding comes to."""
    given = case["input"]
    if case["kind"] == "maintenance_fraction":
        return {"mmf_ppm": round(one_market(given).figure("maintenance_rate", MARKET))}
    if case["kind"] == "funding_clamp":
        limit = one_market(given).figure("funding_limit", MARKET, clamp_ppm=given["clamp_factor_ppm"])
        return {"max_abs_funding_ppm": round(limit)}
    found = one_market(given, given["base_quantums"]).figure(
        "funding_settlement", MARKET, index_now=given["funding_index"], index_then=given["position_index"]
    )
    return {"net_settlement_ppm": round(found)}


@adapter(FILE, "initial_margin_oi_scaled", "effective_imf", "margin_requirements")
def requirements(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what one position needs."""
    given = case["input"]
    if "base_quantums" in given:
        scale = {"exponent": given["price_exponent"], "resolution": given["atomic_resolution"]}
        interest = given["oi_base_quantums"] * given["price"] * Fraction(10) ** (sum(scale.values()) - QUOTE_RESOLUTION)
        found = one_market(given, given["base_quantums"], float(interest), price=given["price"], **scale)
    else:
        found = one_market(given, given.get("notional_quote_quantums", 1), given["oi_notional"])
    assessed = found.assess()
    answers = {
        "initial_margin": round(assessed.initial_margin),
        "maintenance_margin": round(assessed.maintenance_margin),
    }
    if "effective_imf_ppm" in case["expected"]:
        answers["effective_imf_ppm"] = round(found.figure("effective_initial_rate", MARKET))
    return answers


@adapter(FILE, "status", "risk_ordering", "pre_trade_state_transition")
def statuses(case: Case, _: dict[str, Any]) -> Answers:
    """Answer where an account stands, by itself, beside another and after an order."""
    given = case["input"]
    if case["kind"] == "status":
        found = standing(given["net_collateral"], given.get("imr", 0), given.get("mmr", 0))
        return {name: found.figure(f"is_{name}") == 1 for name in case["expected"]}
    if case["kind"] == "risk_ordering":
        one, other = given["a"], given["b"]
        found = standing(one["nc"], one.get("imr", 0), one["mmr"])
        compared = found.figure("is_riskier_than", other_equity=other["nc"], other_maintenance=other["mmr"])
        return {"cmp": round(compared)}
    before, after = given["before"], given["after"]
    found = standing(before["nc"], before.get("imr", 0), before["mmr"])
    outcome = found.figure("transition", equity_after=after["nc"], maintenance_after=after["mmr"])
    return {"result": OUTCOMES[round(outcome)]}


@adapter(FILE, "liquidatable")
def liquidatable(case: Case, params: dict[str, Any]) -> Answers:
    """Answer whether an account may be liquidated."""
    return {
        "liquidatable": settled(of_markets(params), params, case["input"]["account"]).figure("is_liquidatable") == 1
    }


@adapter(FILE, "bankruptcy_price", "fillable_price", "insurance_fund_delta")
def liquidation(case: Case, params: dict[str, Any]) -> Answers:
    """Answer what a part of a position must fetch, what it is offered at, and what a fill earns the insurance fund."""
    given = case["input"]
    (name,) = case["expected"]
    found, symbol = settled(of_markets(params), params, given["account"]), given["market"]
    if case["kind"] == "insurance_fund_delta":
        closed = given["fill_base_quantums"] * (1 if given["is_buy"] else -1)
        if given["fill_base_quantums"] <= 0:
            return {name: "invalid_fill"}
    else:
        closed = given["delta_base_quantums"]
    if found.figures("is_closing", symbol, [closed]) != [1.0]:  # nothing at all where there is no position
        return {name: "invalid_delta"}
    if case["kind"] == "fillable_price":
        value = found.figure(
            "fillable_value",
            symbol,
            adjustment_ppm=given["bankruptcy_adjustment_ppm"],
            spread_ppm=given["spread_to_mm_ratio_ppm"],
        )
        held = sum(one["base_quantums"] for one in given["account"]["positions"] if one["market"] == symbol)
        # A double stands for many fractions; the simplest one is meant.
        price = Fraction(value).limit_denominator(1_000) / held
        return {name: [price.numerator, price.denominator]}
    bankruptcy = found.figure("bankruptcy_price", symbol, closed=closed)
    if case["kind"] == "bankruptcy_price":
        return {name: round(bankruptcy)}
    exponent = given["quantum_conversion_exponent"]
    received = found.figure(
        "proceeds",
        filled=closed,
        subticks=given["subticks"] * 10.0 ** max(exponent, 0),
        scale=10.0 ** max(-exponent, 0),
    )
    fee = given["max_liquidation_fee_ppm"]
    return {name: round(found.figure("insurance_fund_delta", received=received, bankruptcy=bankruptcy, fee_ppm=fee))}


@adapter(FILE, "liquidation_rate_limit")
def rate_limit(case: Case, _: dict[str, Any]) -> Answers:
    """Answer how much more may be liquidated in a block; what has been lost is given below zero."""
    given, found = case["input"], standing(0, 0, 0)
    limits = {
        "max_notional_liquidatable": (given["max_notional_per_block"], given["already_liquidated_notional"]),
        "max_insurance_lost": (given["max_insurance_loss_per_block"], -given["already_lost_insurance"]),
    }
    left = {name: round(found.figure("still_allowed", most=most, used=used)) for name, (most, used) in limits.items()}
    return {name: value or "limit_exceeded" for name, value in left.items() if name in case["expected"]}


@adapter(FILE, "partial_liquidation_size")
def partial(case: Case, params: dict[str, Any]) -> Answers:
    """Answer the least and the most notional of a position that may be liquidated at once."""
    given = case["input"]
    symbol, least = given["position"]["market"], given["min_position_notional"]
    found = settled(of_markets(params), params, {"quote_quantums": 0, "positions": [given["position"]]})
    return {
        "min_notional_liquidatable": round(found.figure("smallest_part", symbol, least=least)),
        "max_notional_liquidatable": round(
            found.figure("largest_part", symbol, least=least, portion_ppm=given["max_portion_ppm"])
        ),
    }


@adapter(FILE, "account_risk")
def account(case: Case, _: dict[str, Any]) -> Answers:
    """Answer a whole account in USDC."""
    given = case["input"]
    rows = {f"M{number}": one for number, one in enumerate(given["positions"])}
    made = world(
        {
            name: {
                "imf_ppm": round(one["imf"] * WHOLE_PPM),
                "maintenance_fraction_ppm": round(one["maintenance_fraction"] * WHOLE_PPM),
            }
            for name, one in rows.items()
        }
    )
    # `usdc` is what is left after every purchase, here each is booked at its price.
    made.balance("uUSDC", (given["usdc"] + sum(one["size"] * one["price"] for one in rows.values())) * 10.0**6)
    for name, one in rows.items():
        market(made, name, one["price"], exponent=-QUOTE_RESOLUTION)
        made.position(name, one["size"], one["price"])
    assessed = made.settle().assess()
    return {
        "net_collateral": assessed.equity / 1e6,
        "initial_margin": assessed.initial_margin / 1e6,
        "maintenance_margin": assessed.maintenance_margin / 1e6,
    }
