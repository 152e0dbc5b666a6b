# SPDX-License-Identifier: Apache-2.0
"""The C loop: compiled when first asked for, called through ctypes, its arrays made once."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.workload import POSITION_COUNT, PRODUCT_COUNT, THRESHOLDS, TIER_COUNT, Answer, Workload

# The flags of a wheel: no instruction set beyond the baseline, no fused multiply-add.
BASELINE = ("-O3", "-ffp-contract=off")
# What a user could add on one machine of their own; the figures may then differ in the last bits.
NATIVE = ("-O3", "-march=native")
VARIANTS = ("assess_by_tier", "assess_by_line")

_SOURCE = Path(__file__).with_name("loop.c")
_BUILD = Path(__file__).parents[1] / ".build"


class _Line(ctypes.Structure):
    _fields_ = (("rate", ctypes.c_double * 2), ("deduction", ctypes.c_double * 2))


class _Rulebook(ctypes.Structure):
    _fields_ = (
        ("mark", ctypes.c_double * PRODUCT_COUNT),
        ("cap", (ctypes.c_double * TIER_COUNT) * PRODUCT_COUNT),
        ("lines", (_Line * TIER_COUNT) * PRODUCT_COUNT),
        ("threshold", ctypes.c_double * len(THRESHOLDS)),
    )


class _Pointers(ctypes.Structure):
    _fields_ = (("a", ctypes.c_void_p), ("b", ctypes.c_void_p), ("c", ctypes.c_void_p), ("d", ctypes.c_void_p))


def compile_loop(flags: tuple[str, ...], source: Path = _SOURCE) -> ctypes.CDLL:
    """Compile a C file with these flags, unless that was done before."""
    key = hashlib.sha256(source.read_bytes() + " ".join(flags).encode()).hexdigest()[:16]
    library = _BUILD / f"{source.stem}-{key}.so"
    if not library.exists():
        _BUILD.mkdir(exist_ok=True)
        subprocess.run(["gcc", *flags, "-std=c11", "-shared", "-fPIC", "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


class Loop:
    """Hold the workload in the arrays of the C loop."""

    def __init__(self, workload: Workload) -> None:
        held = [holding for holder in workload.holders for holding in holder.holdings]
        if len(held) != POSITION_COUNT * len(workload.holders) or len(workload.products) != PRODUCT_COUNT:
            raise AssertionError("the C loop is made for one shape only")
        count = len(workload.holders)
        self._rules = _rulebook_of(workload)
        self._book = (
            array("i", [one.product for one in held]),
            array("d", [one.quantity for one in held]),
            array("d", [one.quantity * one.entry_price for one in held]),
            array("d", [holder.cash for holder in workload.holders]),
        )
        self._out = tuple(array(kind, bytes(count * array(kind).itemsize)) for kind in "dddi")
        self._count = count

    def caller(self, variant: str, flags: tuple[str, ...] = BASELINE) -> Callable[[], None]:
        """Return a call without arguments that assesses every pool."""
        function = compile_loop(flags)[variant]
        function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p)
        function.restype = None
        # Only the addresses are passed on; `self` and the closure keep what they point at.
        book, out = _pointers(self._book), _pointers(self._out)
        rules_at, book_at, out_at = (ctypes.addressof(one) for one in (self._rules, book, out))

        def call(_kept: object = (book, out)) -> None:
            function(rules_at, book_at, self._count, out_at)

        return call

    def answers(self) -> list[Answer]:
        """Return what the last call found."""
        return [Answer(*row) for row in zip(*self._out, strict=True)]


def _rulebook_of(workload: Workload) -> _Rulebook:
    rules = _Rulebook()
    for k, product in enumerate(workload.products):
        rules.mark[k] = product.mark
        rules.cap[k][:] = product.caps
        for j, row in enumerate(product.lines()):
            rules.lines[k][j].rate[:] = (row[0], row[2])
            rules.lines[k][j].deduction[:] = (row[1], row[3])
    rules.threshold[:] = THRESHOLDS
    return rules


def _pointers(arrays: tuple[array[Any], ...]) -> _Pointers:
    return _Pointers(*(one.buffer_info()[0] for one in arrays))
