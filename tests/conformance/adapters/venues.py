# SPDX-License-Identifier: Apache-2.0
"""Formulas and examples from the documents of venues and brokers, each under the rulebook of its venue."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from marginrules.codes import Reason
from marginrules.escalation.state import Event
from marginrules.service.views import view_pool
from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.adapters.us_options import CONTRACT, option, shares
from tests.conformance.world import World, rulebook, with_changes

FILE = "venue_docs"
MONTH = 30.0  # days to an expiry that a case does not give


@dataclass
class Followed(World):
    """Keep what a world's commands led to."""

    events: list[Event] = field(default_factory=list)

    def apply(self, kind: str, data: dict[str, Any]) -> Any:
        """Carry out one command."""
        outcome = super().apply(kind, data)
        self.events += outcome.events
        return outcome


def world_of(book: str, changes: dict[str, Any] | None = None, account_class: str = "default") -> Followed:
    """Return a world of one rulebook with a case's parameters."""
    return Followed(with_changes(rulebook(book), changes or {}), account_class)


# Deribit


@adapter(FILE, "risk_vector_inverse_future")
def inverse_future(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for an inverse future that is worth so many coins."""
    given = case["input"]
    price = 50_000.0  # any: a contract of one dollar is worth 1 / price
    world = world_of("deribit-portfolio")
    world.asset_price("BTC", price)
    world.instrument("BTC-PERP", "perpetual", price, settlement="BTC", inverse=True)
    world.position("BTC-PERP", given["position_value_at_mark_btc"] * price, price)
    return {"pnl_btc": world.settle().figure("scenario_pnl_in_coin", "BTC-PERP", move=given["price_move"])}


@adapter(FILE, "short_option_standard_margin")
def short_option(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for one short option quoted in coin."""
    given = case["input"]
    world = world_of("deribit-standard")
    world.asset_price("BTC", given["underlying"])
    more = {"settlement": "BTC", "strike": given["strike"], "right": given["right"], "index": given["underlying"]}
    world.instrument("BTC-OPTION", "option", given["mark_btc"], days=MONTH, **more)
    world.position("BTC-OPTION", given.get("quantity", -1.0))
    settled = world.settle()
    found = settled.assess()
    answers = {
        "initial_margin_btc": settled.figure("initial_in_coin", "BTC-OPTION"),
        "maintenance_margin_btc": settled.figure("maintenance_in_coin", "BTC-OPTION"),
    }
    # What the account needs is the same, in dollars.
    for name, required in zip(answers, (found.initial_margin, found.maintenance_margin), strict=True):
        assert abs(answers[name] * given["underlying"] - required) <= 1e-9 * required, name
    return answers


# Binance


@adapter(FILE, "escalation_level")
def uni_mmr(case: Case, _: dict[str, Any]) -> Answers:
    """Answer with the step on which an account of this equity and maintenance margin stands."""
    given = case["input"]
    world = world_of("binance-portfolio-margin", {"parameters.maintenance_rate.default": "100%"})
    world.balance("USD", given["equity"])
    world.instrument("X-PERP", "perpetual", 1.0)
    world.position("X-PERP", given["maintenance_margin"], 1.0, 1.0)
    pool = world.settle().pool
    return {"level": view_pool(world.shard, pool, world.now_ns).ladder_step or "normal"}


@adapter(FILE, "initial_margin_inverse")
def coin_margined(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for a future settled in coin."""
    given = case["input"]
    world = world_of("binance-portfolio-margin")
    world.asset_price("BTC", given["price"])
    more = {"settlement": "BTC", "inverse": True, "multiplier": float(given["contract_size_usd"])}
    world.instrument("BTC-PERP", "perpetual", given["price"], **more)
    world.position("BTC-PERP", given["contracts"], given["price"], given["leverage"])
    return {"initial_margin_btc": world.settle().figure("initial_in_coin", "BTC-PERP")}


# OKX


@adapter(FILE, "portfolio_mmr")
def okx_parts(case: Case, _: dict[str, Any]) -> Answers:
    """Answer with what seven parts come to together."""
    given = case["input"]
    words = ("one", "two", "three", "four", "five", "six", "seven")
    parts = {word: float(given.get(f"mr{number}", 0)) for number, word in enumerate(words, start=1)}
    return {"mmr": world_of("okx-portfolio").settle().figure("combined", "", **parts)}


# Paradex


@adapter(FILE, "order_admission")
def paradex_order(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for the first order of an account."""
    given = case["input"]
    order = given["order"]
    world = world_of("paradex", {"parameters.initial_rate": {"default": given["imf"]}})
    world.balance("USDC", given["collateral"])
    world.instrument("X-PERP", "perpetual", order["price"])
    settled = world.settle()
    size = order["size"] if order["side"] == "buy" else -order["size"]
    book = world.shard.book
    number, price = book.instrument_ids["X-PERP"], order["price"]
    accepted, flags, _before, after, _most = book.engine.check_order(
        settled.pool, number, size, price, 0.0, False, world.now_ns
    )
    assert flags in (0, Reason.INSUFFICIENT_MARGIN)
    return {"initial_margin": after.initial_margin, "accept": accepted}


@adapter(FILE, "account_after_mark")
def paradex_account(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for an account with one position at a new mark."""
    given = case["input"]
    world = world_of("paradex", {"parameters.initial_rate": {"default": given["imf"]}})
    world.balance("USDC", given["collateral"])
    world.instrument("X-PERP", "perpetual", given["mark"])
    world.position("X-PERP", given["position"], given["entry"])
    found = world.settle().assess()
    return {"initial_margin": found.initial_margin, "account_value": found.equity}


@adapter(FILE, "tail_scenario_weight")
def paradex_tail(case: Case, _: dict[str, Any]) -> Answers:
    """Answer with the weight of a tail as the rulebook has it."""
    world = world_of("paradex-portfolio")
    world.instrument("X-PERP", "perpetual", 1.0, index=1.0, funding=0.0)
    world.position("X-PERP", 1.0, 1.0)
    return {"weight": world.settle().figure("tail_weight", move=case["input"]["spot_shock"])}


# Hyperliquid


@adapter(FILE, "liquidation_price")
def hyperliquid_price(case: Case, _: dict[str, Any]) -> Answers:
    """Answer for an account with one position."""
    given = case["input"]
    world = world_of("hyperliquid", {"parameters.max_leverage": {"default": given["max_leverage"]}})
    world.balance("USDC", given["equity"])
    world.instrument("X-PERP", "perpetual", given["price"])
    world.position("X-PERP", given["side"] * given["size"], given["price"])
    settled = world.settle()
    return {
        "margin_available": settled.figure("margin_available", "X-PERP"),
        "liquidation_price": settled.figure("liquidation_price", "X-PERP"),
    }


# Calls in business days

RULES = {
    "reg_t_payment_period": "purchase",
    "finra_4210_maintenance_15_business_days": "margin",
    "finra_4210_portfolio_margin_3_business_days": "portfolio_margin",
}


@adapter(FILE, "call_deadline")
def call_deadline(case: Case, _: dict[str, Any]) -> Answers:
    """Answer with the day on which a call that is issued on a given day falls due."""
    given = case["input"]
    # Every weekday, in UTC, but for the case's holidays.
    changes: dict[str, Any] = {"calendars.new_york": {"exchange": "24/5"} | closed(given.get("holidays", ()))}
    cycle = given.get("settlement_cycle_days", 1)
    if given["rule"] == "reg_t_payment_period" and cycle != 1:
        # The payment period is the settlement cycle and two business days.
        changes["overrides.1.ladder.maintenance_call.deadline"] = f"17:00 in {cycle + 2} business days"
    day = dt.date.fromisoformat(given["trade_or_call_date"])
    changes["effective"] = f"{day.year}-01-01T00:00:00Z"
    noon = dt.datetime.combine(day, dt.time(12), dt.UTC)
    world = world_of("us-options", changes, RULES[given["rule"]])
    world.now_ns = round(noon.timestamp()) * 1_000_000_000
    # 20 % of the value of the shares is left: a call for every class.
    world.balance("USD", -80_000.0)
    shares(world, 1_000.0, 100.0, 100.0)
    world.settle()
    (due,) = [event.due_ns for event in world.events if event.kind == "call_issued"]
    return {"due_date": dt.datetime.fromtimestamp(due // 1_000_000_000, dt.UTC).date().isoformat()}


def closed(days: Any) -> dict[str, Any]:
    """Return the closed days of a calendar; nothing where there are none."""
    return {"closed": sorted(set(days))} if days else {}


# Foreign exchange


@adapter(FILE, "fx_margin")
def fx_margin(case: Case, _: dict[str, Any]) -> Answers:
    """Answer under one of three models."""
    given = case["input"]
    changes = {
        "parameters.margin_rate": {"default": given["margin_rate"]},
        "constants.is_leveraged": "0" if given["model"] == "standard" else "1",
        "constants.house_factor": "200%" if given["model"] == "custom_x2" else "100%",
    }
    world = world_of("fx", changes)
    world.instrument("X-PAIR", "perpetual", given["price"])
    world.position("X-PAIR", given["quantity"], given["price"], given["leverage"])
    return {"margin": world.settle().assess().initial_margin}


# Brokers


@adapter(FILE, "short_butterfly")
def short_butterfly(case: Case, _: dict[str, Any]) -> Answers:
    """Answer under the house rules of the broker that the source is of."""
    charges_debits = "optionshouse" in case["source"]
    world = world_of("us-options", {"constants.debit_charged": "100%" if charges_debits else "0%"}, "margin")
    middle = case["input"]["legs"][1][1]  # the case gives no price of the underlying, and spreads need none
    for number, (right, strike, quantity, price) in enumerate(case["input"]["legs"]):
        leg = {"right": right, "strike": strike, "quantity": quantity, "price": price}
        option(world, number, leg, middle, CONTRACT)
    return {"requirement": world.settle().assess().initial_margin}
