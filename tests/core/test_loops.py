# SPDX-License-Identifier: Apache-2.0
"""Sums and tails over scenarios: what they are defined as, for every length, in wide and in narrow lanes."""

from __future__ import annotations

import ctypes
import math
import random
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from marginrules._core import core

NAN, INFINITY = math.nan, math.inf
HEADER = Path(core.__file__).parent / "loops.h"
SOURCE = """
#include "loops.h"
void dot(int64_t n, int64_t rows, const double *f, const double *const *r, double *out) {
    lanes_dot(n, rows, f, r, out);
}
int has_nan(int64_t n, const double *a) { return lanes_has_nan(n, a) != 0; }
double lowest(int64_t n, const double *a) { return lanes_lowest(n, a); }
double highest(int64_t n, const double *a) { return lanes_highest(n, a); }
double average(int64_t n, const double *a, const double *w) { return lanes_average(n, a, w); }
double tail(int64_t n, const double *a, const double *w, int is_equal, double p, int mean,
            double again, int64_t ahead) {
    weighted_lane *scratch = malloc((n + 1) * sizeof *scratch);
    lowest_kept kept = {NULL, 0, {0.0}};
    double found = lanes_tail(n, a, w, is_equal, p, mean, scratch, &kept, ahead);
    /* What was kept for another tail changes nothing. */
    if (again > 0.0) {
        kept.lanes = NULL;
        lanes_tail(n, a, w, is_equal, again, mean, scratch, &kept, ahead);
        found = lanes_tail(n, a, w, is_equal, p, mean, scratch, &kept, ahead);
    }
    free(scratch);
    return found;
}
void least(int64_t n, const double *a, const double *b, double *out) { lanes_least(n, a, 1, b, 1, out); }
void greatest(int64_t n, const double *a, const double *b, double *out) { lanes_greatest(n, a, 1, b, 1, out); }
void rounded(int64_t n, const double *a, double *out) { lanes_round(n, a, 1, out); }
double missing(int reasons) { return absent(reasons); }
int reasons(double x) { return reasons_of(x, 32); }
"""
# The compiler's widest vectors on this machine, and none beyond the baseline.
FLAGS = {"narrow": ["-mno-avx"], "wide": []}


@pytest.fixture(scope="module", params=FLAGS)
def loops(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """Return the loops, compiled as the core compiles them."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no compiler")
    folder = tmp_path_factory.mktemp("loops")
    (folder / "loops.c").write_text(SOURCE)
    target = folder / "loops.so"
    source = HEADER.read_text()
    if request.param == "narrow":
        source = source.replace('target_clones("avx2", "default")', "noinline")
    (folder / "loops.h").write_text(source)
    flags = ["-O2", "-ffp-contract=off", "-Wall", "-Wno-unused-function", "-Wno-psabi", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", target, folder / "loops.c", "-lm"], check=True)
    library = ctypes.CDLL(str(target))
    for name in ("lowest", "highest", "average", "tail", "missing"):
        getattr(library, name).restype = ctypes.c_double
    library.tail.argtypes = [
        ctypes.c_int64,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.c_double,
        ctypes.c_int,
        ctypes.c_double,
        ctypes.c_int64,
    ]
    library.reasons.argtypes = [ctypes.c_double]
    return library


def column(values: Sequence[float]) -> ctypes.Array[ctypes.c_double]:
    """Return numbers as C has them."""
    return (ctypes.c_double * max(len(values), 1))(*values)


def bits(value: float) -> bytes:
    """Return a number to be compared bit by bit; every not-a-number is the same."""
    return b"nan" if math.isnan(value) else struct.pack("<d", value)


def tail_of(values: Sequence[float], weights: Sequence[float], share: float, *, is_mean: bool) -> float:
    """
    Return a quantile or the mean of a tail, by definition.

    The quantile is the lowest value at which the cumulated weight reaches the share of the total; the mean takes whole
    values up to there, and of that one the part that is left.
    """
    if any(map(math.isnan, values)):
        return NAN
    order = sorted(range(len(values)), key=lambda k: (values[k], k))
    total = wanted = cumulated = mean = 0.0
    for weight in weights:
        total += weight
    wanted = share * total
    for k in order:
        if cumulated + weights[k] >= wanted * (1.0 - 1e-12):
            return (mean + (wanted - cumulated) * values[k]) / wanted if is_mean else values[k]
        cumulated += weights[k]
        mean += weights[k] * values[k]
    raise AssertionError("the share is more than everything")


LENGTHS = st.integers(1, 40) | st.sampled_from((63, 64, 65, 127, 500, 501))
SHARES = st.sampled_from((0.01, 0.025, 0.05, 0.25, 1 / 3, 0.5, 0.975, 0.99, 1.0))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 70), st.integers(0, 12), st.integers(0, 10**6))
@example(33, 100, 1)
@example(500, 20, 2)
def test_sums_of_products(loops: ctypes.CDLL, count: int, row_count: int, seed: int) -> None:
    """Every lane is summed row by row, whatever the length; lanes beyond the end are left alone."""
    source = random.Random(seed)  # noqa: S311 - not a secret
    rows = [[source.gauss(0.0, 1e3) for _ in range(count)] for _ in range(row_count)]
    factors = [source.gauss(0.0, 10.0) for _ in range(row_count)]
    kept = [column(row) for row in rows]
    pointers = (ctypes.c_void_p * max(row_count, 1))(*(ctypes.addressof(one) for one in kept))
    out = column([7.0] * (count + 3))
    loops.dot(ctypes.c_int64(count), ctypes.c_int64(row_count), column(factors), pointers, out)
    expected = []
    for k in range(count):
        total = 0.0
        for factor, row in zip(factors, rows, strict=True):
            total += factor * row[k]
        expected.append(total)
    assert list(out) == [*expected, 7.0, 7.0, 7.0]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.integers(-20, 20).map(float) | st.sampled_from((0.0, -0.0, INFINITY, -INFINITY)), min_size=1, max_size=40
    )
)
def test_lowest_and_highest(loops: ctypes.CDLL, values: list[float]) -> None:
    """The least and the greatest of any number of lanes; not a number where one of them is, wherever it stands."""
    count = ctypes.c_int64(len(values))
    assert not loops.has_nan(count, column(values))
    assert loops.lowest(count, column(values)) == min(values)
    assert loops.highest(count, column(values)) == max(values)
    for k in range(len(values)):
        spoiled = column([*values[:k], NAN, *values[k + 1 :]])
        assert loops.has_nan(count, spoiled)
        assert math.isnan(loops.lowest(count, spoiled))
        assert math.isnan(loops.highest(count, spoiled))
        assert math.isnan(loops.tail(len(values), spoiled, spoiled, 1, 0.5, 1, 0.0, 0))


@settings(max_examples=300, deadline=None)
@given(
    LENGTHS,
    st.integers(0, 10**6),
    SHARES,
    st.booleans(),
    st.sampled_from(("equal", "decaying", "some")),
    SHARES | st.just(0.0),
    st.sampled_from((0, 1, 5, 13, 24, 25, 64, 65)),
)
def test_tails(
    loops: ctypes.CDLL, count: int, seed: int, share: float, is_mean: bool, kind: str, again: float, ahead: int
) -> None:
    """Quantile and tail mean by their definition, with weights of all sorts, with ties, after other tails or alone."""
    source = random.Random(seed)  # noqa: S311 - not a secret
    ties = source.choice((0, 1, 3, 100))
    values = [
        source.choice((source.gauss(0.0, 1e3), float(source.randint(-ties, ties)), float(source.randint(-ties, ties))))
        if seed % 3
        else float(source.randint(-ties, ties))
        for _ in range(count)
    ]
    weights = {
        "equal": [0.125] * count,
        "decaying": [0.97**k for k in range(count)],
        "some": [source.choice((0.0, 0.5, 2.0)) for _ in range(count - 1)] + [1.0],
    }[kind]
    found = loops.tail(
        count, column(values), column(weights), kind == "equal", share, is_mean, again, min(ahead, count)
    )
    # Scenarios of equal weight weigh 1 each.
    expected = tail_of(values, [1.0] * count if kind == "equal" else weights, share, is_mean=is_mean)
    assert bits(found) == bits(expected)


def test_shares_that_are_none(loops: ctypes.CDLL) -> None:
    """A share that is no part of everything gives no tail."""
    for share in (0.0, -0.1, 1.0000001, NAN, INFINITY):
        assert math.isnan(loops.tail(3, column([1.0, 2.0, 3.0]), column([1.0] * 3), 1, share, 0, 0.0, 0))


def test_hundredths_of_a_hundred(loops: ctypes.CDLL) -> None:
    """A share that is a whole number of scenarios but for rounding takes just so many."""
    values = [float(k) for k in range(100)]
    for k in range(1, 101):
        for is_equal in (0, 1):
            share = k / 100
            assert loops.tail(100, column(values[::-1]), column([1.0] * 100), is_equal, share, 0, 0.0, 0) == k - 1
            mean = loops.tail(100, column(values), column([1.0] * 100), is_equal, share, 1, 0.0, 0)
            assert mean == pytest.approx((k - 1) / 2, rel=1e-12)


def test_average(loops: ctypes.CDLL) -> None:
    """The mean by weight."""
    assert loops.average(ctypes.c_int64(3), column([1.0, 2.0, 6.0]), column([2.0, 1.0, 1.0])) == 2.5


NUMBERS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    0.49999999999999994,
    2.5,
    -2.5,
    4503599627370497.0,
    INFINITY,
    -INFINITY,
    NAN,
)


def test_choices_and_rounding(loops: ctypes.CDLL) -> None:
    """Of two equal numbers the first is taken, as in Python; halves are rounded away from zero, and nothing else is."""
    pairs = [(a, b) for a in NUMBERS for b in NUMBERS]
    out = column([0.0] * len(pairs))
    for name, choose in (("least", min), ("greatest", max)):
        getattr(loops, name)(
            ctypes.c_int64(len(pairs)), column([a for a, _ in pairs]), column([b for _, b in pairs]), out
        )
        for (a, b), found in zip(pairs, out, strict=True):
            assert bits(found) == bits(NAN if math.isnan(a) or math.isnan(b) else choose(a, b)), (name, a, b)
    loops.rounded(ctypes.c_int64(len(NUMBERS)), column(NUMBERS), out)
    expected = (0.0, -0.0, 1.0, -1.0, 1.0, -1.0, 0.0, 3.0, -3.0, 4503599627370497.0, INFINITY, -INFINITY, NAN)
    assert [bits(out[k]) for k in range(len(NUMBERS))] == [bits(one) for one in expected]


def test_what_is_missing_says_so(loops: ctypes.CDLL) -> None:
    """Reasons survive arithmetic and reductions; what arithmetic alone made has the other reason, a number has none."""
    loops.missing.argtypes = [ctypes.c_int]
    absent = loops.missing(1 << 18)
    assert loops.reasons(absent) == 1 << 18
    assert loops.reasons(-absent * 3.0 + 1.0) == 1 << 18
    assert loops.reasons(loops.lowest(ctypes.c_int64(5), column([1.0, 2.0, 3.0, 4.0, absent]))) == 1 << 18
    assert loops.reasons(loops.tail(3, column([1.0, absent, 3.0]), column([1.0] * 3), 1, 0.5, 1, 0.0, 0)) == 1 << 18
    assert [loops.reasons(x) for x in (NAN, -NAN, INFINITY, -INFINITY, INFINITY - INFINITY)] == [32] * 5
    assert [loops.reasons(x) for x in (0.0, -1e308, 5e-324)] == [0] * 3
