# SPDX-License-Identifier: Apache-2.0
"""The C loop over risk arrays, called through ctypes, its arrays made once."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.peers.loop import BASELINE, compile_loop

SCENARIO_COUNT, POSITION_COUNT = 33, 100  # of `scenarios.c`
_SOURCE = Path(__file__).with_name("scenarios.c")


def _pointers(*arrays: array[float] | array[int]) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * len(arrays))(*(one.buffer_info()[0] for one in arrays))


class ScenarioLoop:
    """
    Hold risk arrays and pools as the C loop has them.

    Args:
        rows: for each instrument its gain in each scenario.
        values: for each instrument its value now.
        pools: for each its cash, and rows (instrument, quantity, cost).
    """

    def __init__(
        self,
        rows: Sequence[Sequence[float]],
        values: Sequence[float],
        pools: Sequence[tuple[float, Sequence[tuple[int, float, float]]]],
    ) -> None:
        if any(len(row) != SCENARIO_COUNT for row in rows) or any(len(held) != POSITION_COUNT for _, held in pools):
            raise AssertionError("the C loop is made for one shape only")
        held = [row for _, rows_of_pool in pools for row in rows_of_pool]
        self._market = (array("d", [one for row in rows for one in row]), array("d", values))
        self._book = (
            array("i", [instrument for instrument, _, _ in held]),
            array("d", [quantity for _, quantity, _ in held]),
            array("d", [cost for _, _, cost in held]),
            array("d", [cash for cash, _ in pools]),
        )
        self._out = (array("d", bytes(8 * len(pools))), array("d", bytes(8 * len(pools))))

    def caller(self, flags: tuple[str, ...] = BASELINE) -> Callable[[], None]:
        """Return a call without arguments that assesses every pool."""
        function = compile_loop(flags, _SOURCE).assess_scenarios
        function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)
        function.restype = None
        market, book, out = _pointers(*self._market), _pointers(*self._book), _pointers(*self._out)
        count = len(self._out[0])

        def call() -> None:
            function(market, book, count, out)

        return call

    def answers(self) -> list[tuple[float, float]]:
        """Return (equity, worst loss) of each pool as the last call found them."""
        return list(zip(*self._out, strict=True))
