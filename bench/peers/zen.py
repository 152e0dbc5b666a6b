# SPDX-License-Identifier: Apache-2.0
"""
zen-engine, in the two ways it is used.

As tables: what an officer would draw, one decision for brackets, sums and ladder. As expressions: the fastest sensible
way, one small compiled expression for each product and one for the ladder; the host looks up, adds up and divides.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import zen

from bench.workload import THRESHOLDS, Answer, Holder, Product, Workload

_FIELDS = ("initial_rate", "initial_deduction", "maintenance_rate", "maintenance_deduction")


def expression_caller(workload: Workload) -> Callable[[int], Answer]:
    """Return a call that assesses one holder with eleven compiled expressions."""
    brackets = [zen.compile_expression(_bracket_expression(product)) for product in workload.products]
    ladder = zen.compile_expression(_ladder_expression())
    marks = [product.mark for product in workload.products]

    def assess(index: int) -> Answer:
        holder = workload.holders[index]
        equity, initial, maintenance = holder.cash, 0.0, 0.0
        for held in holder.holdings:
            mark = marks[held.product]
            equity += held.quantity * (mark - held.entry_price)
            one, other = brackets[held.product].evaluate({"n": abs(held.quantity * mark)})
            initial += one
            maintenance += other
        level = ladder.evaluate({"ratio": equity / maintenance})
        return Answer(equity, initial, maintenance, int(level))

    return assess


def table_caller(workload: Workload) -> Callable[[int], Answer]:
    """Return a call that assesses one holder with one decision of two tables."""
    decision = zen.ZenEngine().create_decision(json.dumps(_decision_of(workload.products)))
    marks = [product.mark for product in workload.products]

    def assess(index: int) -> Answer:
        found = decision.evaluate(_context_of(workload.holders[index], marks))["result"]
        return Answer(found["equity"], found["initial"], found["maintenance"], int(found["level"]))

    return assess


def _context_of(holder: Holder, marks: list[float]) -> dict[str, object]:
    equity = holder.cash + sum(held.quantity * (marks[held.product] - held.entry_price) for held in holder.holdings)
    positions = [
        {"product": held.product, "notional": abs(held.quantity * marks[held.product])} for held in holder.holdings
    ]
    return {"equity": equity, "positions": positions}


def _bracket_expression(product: Product) -> str:
    rows = [f"[n * {a!r} - {b!r}, n * {c!r} - {d!r}]" for a, b, c, d in product.lines()]
    tests = [f"n <= {cap!r} ? {row} : " for cap, row in zip(product.caps[:-1], rows, strict=False)]
    return "".join(tests) + rows[-1]


def _ladder_expression() -> str:
    return "".join(f"ratio >= {threshold!r} ? {k} : " for k, threshold in enumerate(THRESHOLDS)) + str(len(THRESHOLDS))


def _decision_of(products: list[Product]) -> dict[str, object]:
    sums = [
        ("equity", "equity"),
        ("initial", "sum(map(tiers, #.notional * #.initial_rate - #.initial_deduction))"),
        ("maintenance", "sum(map(tiers, #.notional * #.maintenance_rate - #.maintenance_deduction))"),
        ("ratio", "$.equity / $.maintenance"),
    ]
    nodes: list[dict[str, object]] = [
        {"id": "in", "name": "in", "type": "inputNode", "content": {}},
        _bracket_table(products),
        {
            "id": "sums",
            "name": "sums",
            "type": "expressionNode",
            "content": {"expressions": [{"id": key, "key": key, "value": value} for key, value in sums]},
        },
        _ladder_table(),
        {"id": "out", "name": "out", "type": "outputNode", "content": {}},
    ]
    order = [node["id"] for node in nodes]
    edges = [{"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b} for a, b in itertools.pairwise(order)]
    return {"nodes": nodes, "edges": edges}


def _bracket_table(products: list[Product]) -> dict[str, object]:
    rules = []
    for k, product in enumerate(products):
        for j, (cap, line) in enumerate(zip(product.caps, product.lines(), strict=True)):
            outputs = {name: repr(value) for name, value in zip(_FIELDS, line, strict=True)}
            upper = f"<= {cap!r}" if cap < float("inf") else ""
            rules.append({"_id": f"{k}-{j}", "product": str(k), "notional": upper, **outputs})
    inputs = [{"id": name, "name": name, "field": name} for name in ("product", "notional")]
    content = {
        "hitPolicy": "first",
        "rules": rules,
        "inputs": inputs,
        "outputs": [{"id": name, "name": name, "field": name} for name in _FIELDS],
        "passThrough": True,
        "executionMode": "loop",
        "inputField": "positions",
        "outputPath": "tiers",
    }
    return {"id": "brackets", "name": "brackets", "type": "decisionTableNode", "content": content}


def _ladder_table() -> dict[str, object]:
    rules = [{"_id": str(k), "ratio": f">= {threshold!r}", "level": str(k)} for k, threshold in enumerate(THRESHOLDS)]
    rules.append({"_id": "last", "ratio": "", "level": str(len(THRESHOLDS))})
    content = {
        "hitPolicy": "first",
        "rules": rules,
        "inputs": [{"id": "ratio", "name": "ratio", "field": "ratio"}],
        "outputs": [{"id": "level", "name": "level", "field": "level"}],
        "passThrough": True,
        "executionMode": "single",
        "inputField": None,
        "outputPath": None,
    }
    return {"id": "ladder", "name": "ladder", "type": "decisionTableNode", "content": content}
