# SPDX-License-Identifier: Apache-2.0
"""Black-76 as others write it: columns of numpy, a compiled loop of numba, and QuantLib's own formula."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import QuantLib
from numpy.typing import NDArray
from scipy.special import ndtr

Column = NDArray[np.float64]
_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True)
class Chain:
    """Hold options, one a row; `right` is +1 for calls and -1 for puts."""

    right: Column
    forward: Column
    strike: Column
    years: Column
    volatility: Column

    def columns(self) -> tuple[Column, Column, Column, Column, Column]:
        """Return the columns in the order of the formula."""
        return self.right, self.forward, self.strike, self.years, self.volatility


def make_chain(count: int) -> Chain:
    """Return options as a venue lists them: strikes around the forward, a week to two years, 10 % to 150 %."""
    random = np.random.default_rng(20261201)
    forward = random.uniform(20_000.0, 100_000.0, count)
    return Chain(
        right=random.choice([-1.0, 1.0], count),
        forward=forward,
        strike=forward * np.exp(random.normal(0.0, 0.3, count)),
        years=random.uniform(7 / 365, 2.0, count),
        volatility=random.uniform(0.1, 1.5, count),
    )


def numpy_prices(chain: Chain) -> Column:
    """Price all columns at once."""
    deviation = chain.volatility * np.sqrt(chain.years)
    d1 = np.log(chain.forward / chain.strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    right = chain.right
    prices: Column = right * (chain.forward * ndtr(right * d1) - chain.strike * ndtr(right * d2))
    return prices


def numpy_greeks(chain: Chain) -> tuple[Column, ...]:
    """Return price, delta, gamma, vega, theta and rho, as the core has them."""
    root = np.sqrt(chain.years)
    deviation = chain.volatility * root
    d1 = np.log(chain.forward / chain.strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    right = chain.right
    received = ndtr(right * d1)
    price = right * (chain.forward * received - chain.strike * ndtr(right * d2))
    density = np.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
    vega = chain.forward * density * root
    return (
        price,
        right * received,
        density / (chain.forward * deviation),
        vega,
        -0.5 * vega * chain.volatility / chain.years,
        -chain.years * price,
    )


@numba.njit  # type: ignore[untyped-decorator]
def _numba_prices(
    right: Column, forward: Column, strike: Column, years: Column, volatility: Column, out: Column
) -> None:
    for k in range(right.size):
        deviation = volatility[k] * math.sqrt(years[k])
        d1 = math.log(forward[k] / strike[k]) / deviation + 0.5 * deviation
        d2 = d1 - deviation
        received = 0.5 + 0.5 * math.erf(right[k] * d1 * _ROOT_HALF)
        paid = 0.5 + 0.5 * math.erf(right[k] * d2 * _ROOT_HALF)
        out[k] = right[k] * (forward[k] * received - strike[k] * paid)


@numba.njit  # type: ignore[untyped-decorator]
def _numba_greeks(
    right: Column, forward: Column, strike: Column, years: Column, volatility: Column, out: Column
) -> None:
    for k in range(right.size):
        root = math.sqrt(years[k])
        deviation = volatility[k] * root
        d1 = math.log(forward[k] / strike[k]) / deviation + 0.5 * deviation
        d2 = d1 - deviation
        received = 0.5 + 0.5 * math.erf(right[k] * d1 * _ROOT_HALF)
        paid = 0.5 + 0.5 * math.erf(right[k] * d2 * _ROOT_HALF)
        density = math.exp(-0.5 * d1 * d1) / _ROOT_TWO_PI
        price = right[k] * (forward[k] * received - strike[k] * paid)
        vega = forward[k] * density * root
        out[0, k] = price
        out[1, k] = right[k] * received
        out[2, k] = density / (forward[k] * deviation)
        out[3, k] = vega
        out[4, k] = -0.5 * vega * volatility[k] / years[k]
        out[5, k] = -years[k] * price


def numba_prices(chain: Chain) -> Callable[[], Column]:
    """Return a call that prices into an array made once; it compiles in its first call."""
    out = np.empty(chain.right.size)

    def call() -> Column:
        _numba_prices(*chain.columns(), out)
        return out

    return call


def numba_greeks(chain: Chain) -> Callable[[], Column]:
    """Return the same for price and Greeks, one row each."""
    out = np.empty((6, chain.right.size))

    def call() -> Column:
        _numba_greeks(*chain.columns(), out)
        return out

    return call


def quantlib_prices(chain: Chain) -> Callable[[], list[float]]:
    """Return a call that prices option by option; the call from Python is part of the figure."""
    deviations = (chain.volatility * np.sqrt(chain.years)).tolist()
    kinds = [QuantLib.Option.Call if right > 0 else QuantLib.Option.Put for right in chain.right.tolist()]
    rows = list(zip(kinds, chain.strike.tolist(), chain.forward.tolist(), deviations, strict=True))
    formula: Any = QuantLib.blackFormula

    def call() -> list[float]:
        return [formula(*one) for one in rows]

    return call
