# SPDX-License-Identifier: Apache-2.0
"""numpy over all pools at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.workload import THRESHOLDS, Answer, Workload


class Vector:
    """Hold the workload in arrays [pool][position]."""

    def __init__(self, workload: Workload) -> None:
        holders = workload.holders
        self._product = np.array([[one.product for one in holder.holdings] for holder in holders])
        self._quantity = np.array([[one.quantity for one in holder.holdings] for holder in holders])
        self._entry = np.array([[one.entry_price for one in holder.holdings] for holder in holders])
        self._cash = np.array([holder.cash for holder in holders])
        self._mark = np.array([product.mark for product in workload.products])
        self._caps = np.array([product.caps[:-1] for product in workload.products])
        self._lines = np.array([product.lines() for product in workload.products])
        self._found: tuple[np.ndarray, ...] = ()

    def caller(self) -> Callable[[], None]:
        """Return a call without arguments that assesses every pool."""

        def call() -> None:
            mark = self._mark[self._product]
            notional = np.abs(self._quantity * mark)
            tier = (notional[:, :, None] > self._caps[self._product]).sum(axis=2)
            line = self._lines[self._product, tier]
            equity = self._cash + (self._quantity * (mark - self._entry)).sum(axis=1)
            initial = (notional * line[:, :, 0] - line[:, :, 1]).sum(axis=1)
            maintenance = (notional * line[:, :, 2] - line[:, :, 3]).sum(axis=1)
            level = (~(equity[:, None] >= np.array(THRESHOLDS) * maintenance[:, None])).sum(axis=1)
            self._found = (equity, initial, maintenance, level)

        return call

    def answers(self) -> list[Answer]:
        """Return what the last call found."""
        return [Answer(*row) for row in zip(*(one.tolist() for one in self._found), strict=True)]
