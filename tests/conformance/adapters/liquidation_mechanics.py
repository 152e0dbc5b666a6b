# SPDX-License-Identifier: Apache-2.0
"""Parts, fees and auctions of liquidations, shared losses, and holds before a trade, under books of several venues."""

from __future__ import annotations

import math
from typing import Any

from marginrules.units import DAY_NS
from tests.conformance.adapters import Answers, Case, adapter
from tests.conformance.world import Settled, World, rulebook

FILE = "liquidation_mechanics"
SYMBOL = "COIN"
DAY_SECONDS = DAY_NS // 1_000_000_000
FUNDING_PRECISION = 100_000  # five decimals; deposits have nine
DEPOSIT_PRECISION = 1_000_000_000
# kind -> (figure, answer, names of the figure's inputs -> names of the case)
NUMBERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "size_to_cover_shortage": (
        "size_to_cover",
        "base_amount_1e9",
        {
            "shortage": "margin_shortage",
            "margin_ratio": "margin_ratio_1e4",
            "liquidator_fee": "liquidation_fee_1e6",
            "insurance_fee": "insurance_fee_1e6",
            "oracle_price": "oracle_price_1e6",
            "quote_price": "quote_price_1e6",
        },
    ),
    "liability_transfer_to_cover_shortage": (
        "liability_to_cover",
        "liability_amount",
        {
            "shortage": "margin_shortage",
            "asset_weight": "asset_weight_1e4",
            "asset_multiplier": "asset_multiplier_1e6",
            "liability_weight": "liability_weight_1e4",
            "liability_multiplier": "liability_multiplier_1e6",
            "insurance_fee": "insurance_fee_1e6",
            "decimals": "decimals",
            "price_now": "price_1e6",
        },
    ),
    "insurance_fee_rate": (
        "insurance_fee",
        "fee_1e6",
        {
            "shortage": "margin_shortage",
            "base_amount": "base_amount_1e9",
            "margin_ratio": "margin_ratio_1e4",
            "liquidator_fee": "liquidator_fee_1e6",
            "price_now": "price_1e6",
            "quote_price": "quote_price_1e6",
            "most": "max_fee_1e6",
        },
    ),
    "insurance_fee_rate_spot": (
        "insurance_fee_spot",
        "fee_1e6",
        {
            "shortage": "margin_shortage",
            "token_amount": "token_amount_1e9",
            "asset_weight": "asset_weight_1e4",
            "asset_multiplier": "asset_multiplier_1e6",
            "liability_weight": "liability_weight_1e4",
            "liability_multiplier": "liability_multiplier_1e6",
            "price_now": "price_1e6",
            "most": "max_fee_1e6",
        },
    ),
    "liquidation_fee_ramp": (
        "liquidator_fee",
        "fee_1e6",
        {
            "elapsed": "slots_elapsed",
            "base": "base_fee_1e6",
            "most": "max_fee_1e6",
            "grace": "grace_slots",
            "increase": "increase_per_slot_1e6",
        },
    ),
    "partial_liquidation_fraction": (
        "part_to_cover",
        "pct_1e4",
        {
            "shortage": "margin_shortage",
            "elapsed": "slots_elapsed",
            "first": "initial_pct_1e4",
            "duration": "duration_slots",
            "freed": "already_freed",
        },
    ),
}


def empty(book: str) -> Settled:
    """Make an account with nothing: these figures are about what they are given."""
    return World(rulebook(book)).settle()


@adapter(FILE, *NUMBERS)
def numbers(case: Case, _: dict[str, Any]) -> Answers:
    """Answer a figure in the protocol's whole numbers."""
    figure, answer, names = NUMBERS[case["kind"]]
    found = empty("drift").figure(figure, **{name: case["input"][one] for name, one in names.items()})
    return {answer: round(found)}


@adapter(FILE, "loss_socialisation")
def shared_loss(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what a loss costs each unit of those who share it."""
    given = case["input"]
    if "deposits" in given:
        shared = {"shared_by": given["deposits"], "precision": DEPOSIT_PRECISION}
    else:
        shared = {"shared_by": given["longs"] + abs(given["shorts"]), "precision": FUNDING_PRECISION}
    return {"per_unit": empty("drift").figure("shared_loss", loss=given["loss"], **shared)}


@adapter(FILE, "solvent_dutch_auction", "insolvent_auction")
def auction(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what is bid for a whole pool and how much of it may be bought; the source prints nine decimals."""
    given, found = case["input"], empty("derive-portfolio")
    pool = {name: given[name] for name in ("mark_to_market", "maintenance_balance")}
    elapsed = given["elapsed_s"] / DAY_SECONDS
    if case["kind"] == "insolvent_auction":
        length = given["length_s"] / DAY_SECONDS
        return {"bid_price": found.figure("insolvent_auction_bid", elapsed=elapsed, length=length, **pool)}
    bid = found.figure(
        "auction_bid",
        mark_to_market=given["mark_to_market"],
        start=given["start"],
        cutoff=given["fast_cutoff"],
        fast=given["fast_s"] / DAY_SECONDS,
        slow=given["slow_s"] / DAY_SECONDS,
        elapsed=elapsed,
    )
    part = found.figure("auction_part", buffer=given["buffer_fraction"], bid=bid, **pool)
    return {
        "bid_price": round(bid, 9),
        "max_proportion": part,
        "max_proportion_permille": math.floor(round(part * 1_000, 9)),
        "cash_for_max_bid": math.floor(round(bid * part, 9)),
    }


@adapter(FILE, "close_factor")
def close_factor(case: Case, _: dict[str, Any]) -> Answers:
    """Answer how much of a debt may be paid off at once."""
    given = case["input"]
    found = empty("lending").figure(
        "debt_to_liquidate",
        health=given["health_factor"],
        coin_value=given["collateral_reserve_usd"],
        debt=given["debt_reserve_usd"],
        total_debt=given["total_debt_usd"],
    )
    return {"max_debt_to_liquidate": found}


@adapter(FILE, "pre_trade_hold")
def hold(case: Case, _: dict[str, Any]) -> Answers:
    """Answer whether an order is paid for, and what stays free; a balance is of what the order's side needs."""
    given = case["input"]
    is_bid = given["side"] == "bid"
    price = given["reserve_price"] * given["quote_step"]
    order = given["size"] if is_bid else -given["size"]

    def account(*, with_order: bool) -> Settled:
        made = World(rulebook("spot-exchange"))
        made.instrument(SYMBOL, "spot", given["price"] * given["quote_step"])
        if is_bid:
            made.balance("USD", given["balance"])
        else:
            made.position(SYMBOL, given["balance"] / given["base_lot"])
        if with_order:
            made.order(SYMBOL, order, price)
        return made.settle()

    found = account(with_order=False)
    engine, number = found.world.shard.book.engine, found.world.shard.book.instrument_ids[SYMBOL]
    accepted = engine.check_order(found.pool, number, order, price, 0.0, False, found.world.now_ns)[0]
    after = account(with_order=True) if accepted else found
    if is_bid:
        free = after.figure("free_cash")
    else:
        free = next(iter(after.figures("free_coins", SYMBOL)), 0.0) * given["base_lot"]
    return {"accept": accepted, "free_after": round(free)}
