# SPDX-License-Identifier: Apache-2.0
"""
10,000 options with Black-76 on one core: the core against numpy, numba and QuantLib, in the same run and in turn.

The core makes new arrays in every call, as numpy does; numba writes into arrays that are made once.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.peers import pricing
from bench.timing import Row, interleave, rounds, row
from marginrules._core import core

COUNT = 10_000
# At least five times as fast as numpy, at least level with numba.
NUMPY_BAR = 1 / 5
NUMBA_BAR = 1.0
# Beyond these something is broken, however busy the machine and however few lanes it has.
NUMPY_FAR = 1.5
NUMBA_FAR = 2.0


@functools.cache
def make() -> pricing.Chain:
    """Return the options."""
    return pricing.make_chain(COUNT)


def measure() -> list[Row]:
    """Time all in turn; a ratio is of the core's time to the rival's."""
    chain = make()
    columns = chain.columns()
    calls = {
        "core": lambda: core.black76(*columns),
        "core greeks": lambda: core.black76_greeks(*columns),
        "core implied": functools.partial(core.black76_implied, chain.right, core.black76(*columns), *columns[1:4]),
        "numpy": lambda: pricing.numpy_prices(chain),
        "numpy greeks": lambda: pricing.numpy_greeks(chain),
        "numba": pricing.numba_prices(chain),
        "numba greeks": pricing.numba_greeks(chain),
    }
    seconds = interleave(calls, rounds(300))
    slow = interleave({"core": calls["core"], "quantlib": pricing.quantlib_prices(chain)}, rounds(15))
    few = pricing.make_chain(400)
    american = [*few.columns(), np.full(400, 0.04), np.full(400, 0.02)]
    slow |= interleave({"american": lambda: core.american(*american)}, rounds(15))

    def against(name: str, key: str, rival: str, rival_key: str, bar: float) -> Row:
        return row(name, seconds[key], rival, seconds[rival_key], count=COUNT, bar=bar)

    return [
        against("Black-76, price", "core", "numpy, scipy.special.ndtr", "numpy", NUMPY_BAR),
        against("Black-76, price", "core", "numba, math.erf", "numba", NUMBA_BAR),
        against("Black-76, price and Greeks", "core greeks", "numpy, scipy.special.ndtr", "numpy greeks", NUMPY_BAR),
        against("Black-76, price and Greeks", "core greeks", "numba, math.erf", "numba greeks", NUMBA_BAR),
        row("Black-76, price", slow["core"], "QuantLib, one call an option", slow["quantlib"], count=COUNT),
        row("implied volatility", seconds["core implied"], "a price", seconds["core"], count=COUNT),
        {
            **row("American price", slow["american"], "", slow["american"], count=400),
            "ratio": None,
            "ratio_median": None,
        },
    ]


def test_prices_are_equal() -> None:
    """All find the same prices and Greeks, up to what cancels in the difference of two large numbers."""
    chain = make()
    columns = chain.columns()
    scale = np.maximum(chain.forward, chain.strike)
    prices = np.array(core.black76(*columns))
    for theirs in (
        pricing.numpy_prices(chain),
        pricing.numba_prices(chain)(),
        np.array(pricing.quantlib_prices(chain)()),
    ):
        assert np.max(np.abs(prices - theirs) / scale) < 1e-12
    mine = np.array(core.black76_greeks(*columns))
    for greeks in (np.array(pricing.numpy_greeks(chain)), pricing.numba_greeks(chain)()):
        assert np.max(np.abs(mine[0] - greeks[0]) / scale) < 1e-12
        assert np.max(np.abs(mine[5] - greeks[5]) / scale) < 1e-12
        assert np.max(np.abs(mine[1] - greeks[1])) < 1e-12
        for k in (2, 3, 4):
            assert np.allclose(mine[k], greeks[k], rtol=1e-11, atol=1e-200)
    implied = np.array(core.black76_implied(chain.right, prices, *columns[1:4]))
    known = mine[3] > 1e-3 * prices
    assert np.allclose(implied[known], chain.volatility[known], rtol=1e-9)


def test_ratios_are_not_far_off() -> None:
    """A ratio beyond these bounds means a mistake, not a busy machine."""
    for line in measure():
        if line["rival"].startswith("numpy"):
            assert (line["ratio"] or 0.0) < NUMPY_FAR
        if line["rival"].startswith("numba"):
            assert (line["ratio"] or 0.0) < NUMBA_FAR


@pytest.mark.benchmark(group="10,000 options")
def test_core(benchmark: BenchmarkFixture) -> None:
    """Time the core."""
    columns = make().columns()
    benchmark(lambda: core.black76(*columns))


@pytest.mark.benchmark(group="10,000 options")
def test_numpy(benchmark: BenchmarkFixture) -> None:
    """Time numpy."""
    benchmark(pricing.numpy_prices, make())


@pytest.mark.benchmark(group="10,000 options")
def test_numba(benchmark: BenchmarkFixture) -> None:
    """Time numba."""
    benchmark(pricing.numba_prices(make()))
