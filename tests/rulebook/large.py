# SPDX-License-Identifier: Apache-2.0
"""A rulebook as large as an exchange's: many products with long tier tables, several ladders, many overrides."""

from __future__ import annotations

_HEAD = """\
rulebook: large
description: generated; as many lines as asked for
currency: USD
effective: 2026-01-01T00:00:00Z
classes: [retail, professional, market_maker]
collateral:
  USD: {haircut: 0%}
  BTC:
    haircut:
      - {to: 1_000_000, rate: 5%}
      - {rate: 20%}
"""

_LADDER = """\
  ladder_NUMBER:
    steps:
      - {step: warning, below: 150%, clear: 155%, notify: [client]}
      - step: call
        below: 120%
        clear: 125%
        for: 30s
        call: {restore: initial_margin, minimum_transfer: 500, round_to: 100}
        deadline: 4h
        restrict: reduce_only
        notify: [client, desk]
      - step: partial_liquidation
        below: 105%
        or_after: call unmet
        restrict: blocked
        liquidate: {fraction: 20%, every: 30s, until: 110%, first: largest_loss}
      - {step: full_liquidation, below: 100%, liquidate: all, restrict: blocked}
"""

_TIERS = 10
_PRODUCT_LINES = 6 + _TIERS
_LADDERS = 4
_OVERRIDE_LINES = 6


def large_rulebook(lines: int) -> bytes:
    """Return a rulebook without problems that has about this many lines, nine tenths of them products."""
    products = max(1, int(lines * 0.85) // _PRODUCT_LINES)
    overrides = max(0, lines - products * _PRODUCT_LINES - 82) // _OVERRIDE_LINES
    text = [_HEAD, "products:\n", *(_product(number) for number in range(products))]
    text += ["ladder: ladder_0\n", "ladders:\n"]
    text += [_LADDER.replace("NUMBER", str(number)) for number in range(_LADDERS)]
    if overrides:
        text += ["overrides:\n", *(_override(number, products) for number in range(overrides))]
    return "".join(text).encode()


def _product(number: int) -> str:
    tiers = "".join(
        f"        - {{to: {(tier + 1) * 250_000 + number}, initial: {2 + tier}%, maintenance: {1 + tier / 2}%}}\n"
        for tier in range(_TIERS - 1)
    )
    return (
        f"  product_{number}:\n"
        f"    match: {{kind: perpetual, symbol: C{number}-PERP}}\n"
        f"    ladder: ladder_{number % _LADDERS}\n"
        "    margin:\n"
        "      model: tiers\n"
        "      tiers:\n"
        f"{tiers}        - {{initial: 40%, maintenance: 20%}}\n"
    )


def _override(number: int, products: int) -> str:
    what = (
        "    margin: {scale: 125%}\n    # reviewed each quarter\n"
        if number % 2
        else "    ladder:\n      partial_liquidation: {below: 112%, liquidate: {fraction: 40%, until: 120%}}\n"
    )
    who = f"account: A{number}" if number % 3 else "class: professional"
    return f"  - product: product_{number % products}\n    {who}\n    because: agreed as RISK-{number}\n{what}\n"
