# SPDX-License-Identifier: Apache-2.0
"""Collateral: what counts for nothing, haircuts that never apply, and tiers that are never reached."""

from __future__ import annotations

from decimal import Decimal

from marginrules.authoring.lint.finding import Findings
from marginrules.rulebook.collateral import Collateral
from marginrules.rulebook.fields import grouped, percent, span


def judge_assets(findings: Findings) -> None:
    """Judge what is said of each asset."""
    for name, asset in findings.analysis.book.collateral.items():
        _judge_worth(findings, name, asset)
        _judge_least(findings, name, asset)
        _judge_reach(findings, name, asset)


def _judge_worth(findings: Findings, name: str, asset: Collateral) -> None:
    reason = ""
    if asset.haircuts and asset.haircuts[0].rate == 1:
        reason, place = "its haircut is 100%", asset.haircuts[0].places.get("rate", asset.haircuts[0].place)
    elif asset.cap is not None and asset.cap == 0:
        reason, place = "its cap is 0", asset.places["cap"]
    if reason:
        message = f"{name} counts for nothing: {reason}"
        findings.add("MR-L150", place, message, "delete the asset, so that deposits of it are refused", (name,))


def _judge_least(findings: Findings, name: str, asset: Collateral) -> None:
    """Report haircuts that are minimums and lie no higher than what is cut anyway."""
    least = asset.haircuts[0].rate
    if asset.wrong_way is not None and asset.wrong_way.haircut <= least:
        message = f"wrong_way haircut {percent(asset.wrong_way.haircut)} has no effect: {percent(least)} is cut anyway"
        findings.add("MR-L151", asset.places["wrong_way"], message, f"raise it above {percent(least)}", (name,))
    if asset.volatility is not None and 0 < asset.volatility.floor <= least:
        message = f"volatility floor {percent(asset.volatility.floor)} has no effect: {percent(least)} is cut anyway"
        hint = f"raise it above {percent(least)}, or delete it"
        findings.add("MR-L151", asset.places["volatility"], message, hint, (name,))


def _judge_reach(findings: Findings, name: str, asset: Collateral) -> None:
    """Report tiers of haircuts beyond the cap, and of tenors beyond maturity."""
    counted = floor = Decimal(0)
    for tier in asset.haircuts:
        if asset.cap is not None and floor and counted >= asset.cap:
            message = f"this tier is never reached: {name} counts for {grouped(asset.cap)} at most, its cap"
            findings.add("MR-L152", tier.place, message, "delete the tier, or raise the cap", (name,))
            break
        if tier.to is not None:
            counted += (tier.to - floor) * (1 - tier.rate)
            floor = tier.to
    if asset.matures_ns is None:
        return
    left_ns = asset.matures_ns - findings.analysis.book.effective_ns
    for before, after in zip(asset.tenors, asset.tenors[1:], strict=False):
        if before.to_ns is not None and before.to_ns >= left_ns:
            message = f"this tier is never reached: {name} matures {span(left_ns)} after the book's effective date"
            findings.add("MR-L152", after.place, message, "delete the tier, or correct the date", (name,))
            break
