# SPDX-License-Identifier: Apache-2.0
"""What a decision says besides yes and no: the rulebook line behind it, and a quantity a person can type."""

from __future__ import annotations

import math
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from marginrules.model import Order
from marginrules.service.decide import _tidy, decide
from marginrules.service.shard import Shard

SMALLEST = (Path(__file__).parents[2] / "rules" / "smallest" / "rulebook.yaml").read_text(encoding="utf-8")
OVERRIDES = """
classes: [retail, professional]
overrides:
  - class: professional
    because: they have an agreement
    margin: {scale: 150%}
"""
PERSON = {"who": "desk", "why": "test"}
NOW = 1_772_445_600_000_000_000  # 2026-03-02T10:00:00Z


def shard_of(text: str, *classes: str) -> Shard:
    """Return a shard with one account of each class, named like it."""
    shard = Shard()
    shard.apply("activate", {"text": text, "file": "r.yaml", **PERSON}, NOW)
    instrument = {"symbol": "P", "kind": 2, "underlying": "P", "settlement": "USD"}
    shard.apply("instruments", {"instruments": [instrument]}, NOW)
    shard.apply("prices", {"sequence": 1, "prices": [{"name": "P", "price": 100.0, "time_ns": NOW}]}, NOW)
    pools = [{"name": "", "balances": [{"asset": "USD", "amount": 1_000.0}]}]
    accounts = [{"account_id": one, "account_class": one, "sequence": 1, "pools": pools} for one in classes]
    shard.apply("accounts", {"accounts": accounts}, NOW)
    return shard


def test_rule_is_that_of_the_accounts_class() -> None:
    """Where classes have rates of their own, each account is told its own line; where all share them, that one."""
    shard = shard_of(SMALLEST + OVERRIDES, "retail", "professional")
    order = Order("o", "P", 1.0)
    retail, professional = (decide(shard, one, "", order, NOW).rule for one in ("retail", "professional"))
    again = decide(shard, "retail", "", order, NOW).rule
    shared = decide(shard_of(SMALLEST, "default"), "default", "", order, NOW).rule

    line = SMALLEST.splitlines().index("  perpetual:") + 1
    assert retail == again == shared
    assert shared.startswith("smallest:")
    assert abs(int(shared.split(":")[1].split()[0]) - line) < 4
    assert professional != retail


@given(st.floats(0.0, 1e15) | st.integers(0, 10**15).map(float))
def test_tidy_quantity_never_grows(quantity: float) -> None:
    """What is offered has at most twelve digits or is the quantity itself, and is never above it."""
    tidy = _tidy(quantity)

    assert tidy == min(float(f"{quantity:.12g}"), quantity)
    assert math.isclose(tidy, quantity, rel_tol=1e-11)
