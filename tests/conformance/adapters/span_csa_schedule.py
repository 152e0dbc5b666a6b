# SPDX-License-Identifier: Apache-2.0
"""Scan risk from published risk arrays, exposure margin, schedule-based initial margin, and credit support calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.conformance.adapters import Answers, Case, NotCoveredError, adapter
from tests.conformance.world import Settled, World, plain, rulebook, with_changes

ANY_NOTIONAL = 1.0  # no part of variation margin
NO_CHARGES = {
    "parameters.intermonth": {"default": 0},
    "parameters.delivery_month": {"default": 0},
    "parameters.short_option_minimum": {"default": 0},
    "parameters.is_published": {"default": 1},
}


def amount(value: float) -> str:
    """Write an amount of the rulebooks' currency."""
    return f"{plain(value)} USD"


def hold_arrays(held: dict[str, tuple[str, float, Sequence[float]]], **changes: Any) -> Settled:
    """Return an account that holds contracts with published arrays: symbol -> (kind, contracts, gains of one held)."""
    arrays = {
        f"parameters.array_{point + 1}": {symbol: amount(-gains[point]) for symbol, (_, _, gains) in held.items()}
        for point in range(16)
    }
    world = World(with_changes(rulebook("span-futures"), NO_CHARGES | arrays | changes))
    world.balance("USD", 1.0)
    for symbol, (kind, quantity, _) in held.items():
        option = {"strike": 1.0, "right": "call", "index": 1.0, "forward": 1.0} if kind == "option" else {}
        world.instrument(symbol, kind, 1.0, underlying="X", days=90, **option)
        world.position(symbol, quantity, 1.0)
    return world.settle()


@adapter("span_csa_schedule", "span_scan_risk")
def scan_risk(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the worst of the sixteen points for a future and an option together."""
    given = case["input"]
    settled = hold_arrays(
        {
            "X-F": ("future", given["futures"], given["future_risk_array_long"]),
            "X-C": ("option", given["calls"], given["option_risk_array_long"]),
        }
    )
    return {"scan_risk": next(iter(settled.figures("scan_risk")), 0.0)}


@adapter("span_csa_schedule", "span_plus_exposure")
def span_and_exposure(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the margin of an option sold, of which the scan risk and the exposure margin are given."""
    given = case["input"]
    if "span" not in given or "exposure" not in given:
        raise NotCoveredError("the risk arrays behind the figure were not published")
    # One option on an underlying at 1 stands for 1.
    loss_of_short = [0.0] * 15 + [float(given["span"])]
    exposure = {"parameters.exposure": {"default": given["exposure"]}}
    return {"total_margin": hold_arrays({"X-C": ("option", -1, loss_of_short)}, **exposure).assess().maintenance_margin}


def hold_trade(world: World, symbol: str, notional: float, profit: float) -> None:
    """Give the account a trade of as many units as it has gained, each struck at 1 and now at 2: no digit is lost."""
    units = profit or 1.0
    world.instrument(symbol, "future", 2.0 if profit else 1.0, index=abs(notional) / abs(units), days=365)
    world.position(symbol, units, 1.0)


@adapter("span_csa_schedule", "schedule_im")
def schedule(case: Case, _: dict[str, Any]) -> Answers:
    """Answer the standard schedule; a present value above 0 is owed by the counterparty, who holds the account."""
    trades = case["input"]["trades"]
    rates = {f"T-{number}": one["rate"] for number, one in enumerate(trades)}
    world = World(with_changes(rulebook("bilateral-schedule"), {"parameters.schedule_rate": rates}))
    for number, one in enumerate(trades):
        hold_trade(world, f"T-{number}", one["notional"], -one["pv"])
    return {"initial_margin": world.settle().figure("schedule")}


@adapter("span_csa_schedule", "csa_call")
def call(case: Case, _: dict[str, Any]) -> Answers:
    """Answer what is called: of the counterparty above 0, of the dealer below."""
    given = case["input"]
    world = World(
        with_changes(
            rulebook("bilateral-csa"),
            {
                "constants.threshold_of_counterparty": amount(given["th_them"]),
                "constants.threshold_of_dealer": amount(given["th_us"]),
                "constants.independent_of_counterparty": amount(given["ia_them"]),
                "constants.independent_of_dealer": amount(given["ia_us"]),
                "constants.minimum_transfer": amount(given["mta"]),
            },
        )
    )
    world.balance("USD", given["bal"])
    hold_trade(world, "T-0", ANY_NOTIONAL, -given["v"])
    return {"call": world.settle().figure("transfer", on_the_way=given.get("open_calls", 0.0))}
