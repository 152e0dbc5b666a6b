# SPDX-License-Identifier: Apache-2.0
"""Formulas made to be too large are refused by their limit, in little time, and never by a crash."""

from __future__ import annotations

import pytest

from marginrules import limits
from tests.rulebook.formula import reading

KEYS = ("underlying", "expiry", "strike", "settlement", "right")


def every_key() -> str:
    """Return a sum by more keys than are kept."""
    masks = [[key for bit, key in enumerate(KEYS) if mask >> bit & 1] for mask in range(1, 1 << len(KEYS))]
    return " + ".join(f"total(abs(total(value by {', '.join(mask)})))" for mask in masks)


TOO_LARGE = {
    "text": "initial: " + "1 + " * 2_000 + "1",
    "parentheses": "initial: " + "(" * 500 + "1" + ")" * 500,
    "signs": "initial: " + "-" * 300 + "5 USDT",
    "sum": "initial: " + " + ".join(["fee"] * 200),
    "functions": "initial: " + "abs(" * 200 + "fee" + ")" * 200,
    "keys": f"initial: {every_key()}",
    "calculations": "define:\n  a0: value\n"
    + "".join(f"  a{k + 1}: max(a{k} * 1.{k + 1}, 0)\n" for k in range(600))
    + "initial: total(a600)",
    "again and again": "define:\n  a0: total(value * grid.price)\n"
    + "".join(f"  a{k + 1}: total(max(exp(value * grid.price / 1 USDT) * 1 USDT - a{k}, 0))\n" for k in range(250))
    + "initial: worst_loss(a250)",
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large_is_refused(name: str) -> None:
    """Each limit has a diagnostic at the formula."""
    code, found = reading.portfolio(TOO_LARGE[name])
    assert code is None
    assert {one.code for one in found} == {"MR-R407"}


def test_lanes_are_limited() -> None:
    """Results that must all be held at once, since each is used twice, are limited in number."""
    names = [f"a{k}" for k in range(limits.FORMULA_LANES_MAX + 40)]
    define = "".join(f"  {name}: max(value, {k + 1} USDT)\n" for k, name in enumerate(names))
    chunks = [names[k : k + 50] for k in range(0, len(names), 50)]
    define += f"  sum: {' + '.join('(' + ' + '.join(chunk) + ')' for chunk in chunks)}\n"
    define += f"  most: {', '.join('max(' + ', '.join(chunk) + ')' for chunk in chunks)})\n".replace(": ", ": max(", 1)
    code, found = reading.portfolio(f"define:\n{define}initial: total(sum + most)")
    assert code is None
    assert "results at once" in found[0].message


def test_definitions_may_stand_deep_inside_one_another() -> None:
    """Hundreds of definitions, each of the one before, need no recursion."""
    define = "".join(f"  a{k + 1}: a{k} + cost\n" for k in range(900))
    code, found = reading.portfolio(f"define:\n  a0: cost\n{define}initial: total(a900)")
    assert not found
    assert code is not None


def test_products_over_many_definitions_need_no_recursion() -> None:
    """A product of hundreds of factors is compiled, fused or not."""
    define = "".join(f"  a{k + 1}: a{k} * (cost / 1 USDT)\n" for k in range(400))
    code, found = reading.portfolio(
        f"define:\n  a0: mark * 1 contract * history.move\n{define}initial: worst_loss(total(a400))"
    )
    assert not found
    assert code is not None
