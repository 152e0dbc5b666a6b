# SPDX-License-Identifier: Apache-2.0
"""Plain Python: loops over the tables, with an early exit from the brackets."""

from __future__ import annotations

from collections.abc import Callable

from bench.workload import THRESHOLDS, Answer, Workload

Row = tuple[float, float, float, float, float]


def caller(workload: Workload) -> Callable[[int], Answer]:
    """Return a call that assesses one holder; the tables are made once."""
    marks = [product.mark for product in workload.products]
    tables: list[list[Row]] = [
        [(cap, *line) for cap, line in zip(product.caps, product.lines(), strict=True)] for product in workload.products
    ]
    holders = [
        (holder.cash, [(held.product, held.quantity, held.entry_price) for held in holder.holdings])
        for holder in workload.holders
    ]

    def assess(index: int) -> Answer:
        equity, holdings = holders[index]
        initial = maintenance = 0.0
        for product, quantity, entry_price in holdings:
            mark = marks[product]
            notional = abs(quantity * mark)
            equity += quantity * (mark - entry_price)
            for cap, initial_rate, initial_deduction, maintenance_rate, maintenance_deduction in tables[product]:
                if notional <= cap:
                    initial += notional * initial_rate - initial_deduction
                    maintenance += notional * maintenance_rate - maintenance_deduction
                    break
        level = 0
        for threshold in THRESHOLDS:
            if equity >= threshold * maintenance:
                break
            level += 1
        return Answer(equity, initial, maintenance, level)

    return assess
