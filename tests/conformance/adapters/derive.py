# SPDX-License-Identifier: Apache-2.0
"""
Portfolio and standard margin of one venue for options, perpetuals and collateral.

Its balances are equity less a requirement. What it publishes can have IM below MM, in accounts where an assumption on
IM alone is the milder one; the engine never lets IM be below MM, since an order could then open what is liquidated at
once. So both requirements are read as the rulebook's formulas give them, and the engine's margin must be their floor.
"""

from __future__ import annotations

import math
from typing import Any

from marginrules._core.core import black76
from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.world import Settled, World, plain, rulebook, with_changes

DAY_SECONDS = 86_400
YEAR_SECONDS = 365 * DAY_SECONDS
LEAST_MARK = 1e-12  # the least price that the engine takes
COLUMNS = {"Up": ("up",), "Down": ("down",), "None": (), "LINEAR": ("linear",), "ABS": ("absolute",)}
# constant of the rulebook -> (block, name) of the case
CONSTANTS = {
    "up": ("vol_shock", "up"),
    "down": ("vol_shock", "down"),
    "short_power": ("vol_shock", "short_power"),
    "long_power": ("vol_shock", "long_power"),
    "least_volatility_up": ("vol_shock", "min_vol_up"),
    "long_discount": ("margin", "long_discount"),
    "short_discount": ("margin", "short_discount"),
    "long_rate_multiple": ("margin", "long_rate_mult"),
    "short_rate_multiple": ("margin", "short_rate_mult"),
    "long_rate_spread": ("margin", "long_rate_add"),
    "short_rate_spread": ("margin", "short_rate_add"),
    "initial_factor": ("margin", "im_factor"),
    "maintenance_factor": ("margin", "mm_factor"),
    "linear_cap": ("skew_shock", "linear_cap"),
    "linear_cap_slope": ("skew_shock", "linear_cbase"),
    "absolute_cap": ("skew_shock", "abs_cap"),
    "absolute_cap_slope": ("skew_shock", "abs_cbase"),
    "least_width": ("skew_shock", "min_kstar"),
    "width": ("skew_shock", "width"),
    "static_volatility": ("skew_shock", "vp_static"),
    "volatility_slope": ("skew_shock", "vp_scale"),
    "basis_up": ("basis", "up"),
    "basis_down": ("basis", "down"),
    "basis_add": ("basis", "add"),
    "basis_multiple": ("basis", "mult"),
    "perpetual_maintenance": ("other", "mm_perp"),
    "perpetual_initial": ("other", "im_perp"),
    "option_maintenance": ("other", "mm_option"),
    "option_initial": ("other", "im_option"),
    "confidence_threshold": ("other", "conf_threshold"),
    "confidence_factor": ("other", "conf_margin"),
    "peg_threshold": ("other", "peg_threshold"),
    "peg_factor": ("other", "peg_factor"),
}


# constant of the rulebook -> (block, name) of the file's parameters
STANDARD = {
    "initial_most": ("option", "max_spot_req"),
    "initial_least": ("option", "min_spot_req"),
    "maintenance_call": ("option", "mm_call_spot"),
    "maintenance_put": ("option", "mm_put_spot"),
    "maintenance_put_of_price": ("option", "mm_put_mtm"),
    "put_initial_over_maintenance": ("option", "mm_offset"),
    "unpaired_initial": ("option", "unpaired_im"),
    "unpaired_maintenance": ("option", "unpaired_mm"),
    "perpetual_initial": ("perp", "im"),
    "perpetual_maintenance": ("perp", "mm"),
    "option_confidence": ("oracle", "option_threshold"),
    "perpetual_confidence": ("oracle", "perp_threshold"),
    "coin_confidence": ("oracle", "base_threshold"),
    "confidence_factor": ("oracle", "factor"),
    "peg": ("depeg", "threshold"),
    "peg_factor": ("depeg", "factor"),
}


@adapter("derive_pmrm2", "portfolio_margin_scenario_grid")
def portfolio_margin(case: Case, params: dict[str, Any]) -> Answers:
    """Answer balances, the P&L of each scenario and contingencies."""
    account = case["input"]["account"]
    blocks = {name: params["blocks"][one] for name, one in case["input"]["params"].items()}
    world = World(with_changes(rulebook("derive-portfolio"), portfolio_changes(account, blocks)))
    hold_portfolio(world, account)
    settled = world.settle()
    margin = settled.assess()
    maintenance, initial = of_book(settled, "maintenance_formula"), of_book(settled, "initial_formula")
    assert margin.maintenance_margin == max(maintenance, 0.0)
    assert margin.initial_margin == max(initial, margin.maintenance_margin)
    return {
        "initial_margin_balance": margin.equity - initial,
        "maintenance_margin_balance": margin.equity - maintenance,
        "mark_to_market": margin.equity + account["cash"],  # the file counts cash twice
        "option_mtm": of_book(settled, "option_mtm"),
        "basis_contingency": of_book(settled, "basis_contingency"),
        # Without positions there is no book, and nothing moves.
        "scenario_pnl": settled.figures("scenario_pnl") or [0.0] * len(blocks["scenarios"]),
    }


def of_book(settled: Settled, name: str) -> float:
    """Return a figure of the one book; nothing where there are no positions."""
    return next(iter(settled.figures(name)), 0.0)


def portfolio_changes(account: dict[str, Any], blocks: dict[str, Any]) -> dict[str, Any]:
    """Return the case's parameters in the places of the rulebook."""
    changes: dict[str, Any] = {f"constants.{name}": blocks[one][key] for name, (one, key) in CONSTANTS.items()}
    changes["constants.least_days"] = f"{plain(blocks['vol_shock']['dte_floor_days'])}d"
    changes["scenarios.grid.rows"] = [
        {"price": price, "dampening": dampening} | dict.fromkeys(COLUMNS[direction], 1)
        for price, direction, dampening in blocks["scenarios"]
    ]
    held = account["collaterals"]
    if held:
        changes["parameters.haircut"] = {one["name"]: one["mm_haircut"] for one in held}
        changes["parameters.more_haircut_initially"] = {one["name"]: one["im_haircut"] for one in held}
        changes["parameters.moves_with_spot"] = {one["name"]: int(one["risk_cancelling"]) for one in held}
        for name in ("haircut", "more_haircut_initially", "moves_with_spot"):
            changes[f"parameters.{name}"]["default"] = 0
    return changes


def hold_portfolio(world: World, account: dict[str, Any]) -> None:
    """Give a world what the account of a case holds."""
    world.balance("USDC", account["cash"])
    world.asset_price("USD", 1 / account["stable_price"])
    common = {
        "underlying": "X",
        "index": account["spot"],
        "stable_price": account["stable_price"],
        "index_confidence": account["spot_confidence"],
    }
    confidence = {"confidence": account["perp_confidence"]}
    hold_perpetual(world, "X-PERP", account["perps"], account["perp_price"], account["perp_value"], common | confidence)
    for one in account["collaterals"]:
        world.instrument(one["name"], "spot", one["price"], settlement="USD", confidence=one["confidence"], **common)
        world.position(one["name"], one["amount"])
    for number, expiry in enumerate(account["expiries"]):
        hold_options(world, f"X-{number}", expiry, common | {"forward_confidence": expiry["confidence"]})


def hold_perpetual(
    world: World, symbol: str, size: float, price: float, unrealized_pnl: float, common: dict[str, Any]
) -> None:
    """Give a world a perpetual that was opened where its profit and loss says; if at no price, that is settled."""
    entry_price = price - unrealized_pnl / size if size else 0.0
    if entry_price <= 0.0:
        world.balance("USDC", unrealized_pnl)
        entry_price = price
    if size:
        world.instrument(symbol, "perpetual", price, **common)
        world.position(symbol, size, entry_price)


def hold_options(world: World, prefix: str, expiry: dict[str, Any], common: dict[str, Any]) -> None:
    """Give a world the options of an expiry, at the marks that their volatilities mean."""
    years, rate = expiry["sec"] / YEAR_SECONDS, expiry.get("rate", 0.0)
    for number, (strike, is_call, quantity, volatility) in enumerate(expiry["options"]):
        undiscounted = black76(1.0 if is_call else -1.0, expiry["forward"], strike, years, volatility)[0]
        mark = undiscounted * math.exp(-rate * years)
        symbol = world.instrument(
            f"{prefix}-{number}",
            "option",
            mark if mark >= LEAST_MARK else 0.0,
            strike=strike,
            right="call" if is_call else "put",
            seconds=expiry["sec"],
            forward=expiry["forward"],
            volatility=volatility,
            rate=rate,
            **common,
        )
        world.position(symbol, quantity)


@adapter("derive_srm", "strategy_margin")
def standard_margin(case: Case, params: dict[str, Any]) -> Answers:
    """Answer balances; some files are in whole dollars."""
    account = case["input"]
    changes = {f"constants.{name}": params[block][key] for name, (block, key) in STANDARD.items()}
    changes["constants.coin_factor"] = account["base_margin_factor"]
    changes["constants.coin_initial_scale"] = account["base_im_scale"]
    world = World(with_changes(rulebook("derive-standard"), changes))
    world.balance("USDC", account["cash"])
    for market in account["markets"]:
        hold_market(world, market, account["stable_price"])
    settled = world.settle()
    margin = settled.assess()
    answers = {
        "initial_margin_balance": margin.equity - margin.initial_margin,
        "maintenance_margin_balance": margin.equity - margin.maintenance_margin,
        "mark_to_market": settled.figure("mark_to_market"),
    }
    is_whole = "truncate" in str(case.get("tol", {}).get("rule", ""))
    return {name: math.trunc(round(value, 9)) for name, value in answers.items()} if is_whole else answers


def hold_market(world: World, market: dict[str, Any], stable_price: float) -> None:
    """Give a world the perpetual, the coin and the options of one underlying."""
    name, perpetual = market["name"], market["perp"]
    common = {
        "underlying": name,
        "index": market["spot"],
        "index_confidence": market["spot_confidence"],
        "stable_price": stable_price,
    }
    hold_perpetual(
        world,
        f"{name}-PERP",
        perpetual["size"],
        perpetual["price"],
        perpetual["unrealised"],
        common | {"confidence": perpetual["confidence"]},
    )
    if market["base"]:
        world.instrument(name, "spot", market["spot"], **common)
        world.position(name, market["base"])
    for number, expiry in enumerate(market["expiries"]):
        trust = {
            "forward_confidence": expiry["forward_confidence"],
            "volatility_confidence": expiry["vol_confidence"],
        }
        hold_options(world, f"{name}-{number}", expiry, common | trust)
