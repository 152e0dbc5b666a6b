# SPDX-License-Identifier: Apache-2.0
# Types of the extension, written by hand. Shapes and units stand in the docstrings of the source.

from array import array
from collections.abc import Sequence
from typing import TypeAlias, final

from typing_extensions import Buffer

from marginrules.machine import Models
from marginrules.terms import CollateralTerms

_Formula: TypeAlias = tuple[int, Sequence[tuple[int, int]]] | None
_Strategy: TypeAlias = tuple[
    Sequence[tuple[int, int, float]], Sequence[tuple[int, int, int, int]], _Formula, _Formula, _Formula
]

_AssetRows: TypeAlias = list[tuple[int, float, int, int]] | list[tuple[int, float, int, int, float, float, float]]
_InstrumentRows: TypeAlias = (
    list[tuple[int, float, int, float]] | list[tuple[int, float, int, float, list[tuple[int, float]]]]
)

@final
class Tables:
    product_count: int
    profile_count: int
    def __init__(
        self,
        lines: list[tuple[float, float, float, float]],
        rules: Sequence[Sequence[tuple[int, int, int, int, float, float]]]
        | Sequence[Sequence[tuple[int, int, int, int, float, float, int, int]]],
        credits: list[tuple[float, float]],  # noqa: A002
        collateral: Sequence[tuple[int, int, float, float]]
        | Sequence[tuple[int, int, float, float, CollateralTerms | None]],
        ladders: list[list[float]],
        default_ladders: list[int],
        models: Models | None = None,
    ) -> None: ...

@final
class Assessment:
    @property
    def equity(self) -> float: ...
    @property
    def initial_margin(self) -> float: ...
    @property
    def maintenance_margin(self) -> float: ...
    @property
    def collateral_value(self) -> float: ...
    @property
    def unrealized_pnl(self) -> float: ...
    @property
    def level(self) -> int: ...
    @property
    def ladder(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def revision(self) -> int: ...
    @property
    def is_valid(self) -> bool: ...
    @property
    def margin_ratio(self) -> float: ...
    @property
    def margin_excess(self) -> float: ...
    @property
    def margin_deficiency(self) -> float: ...

@final
class Batch:
    count: int
    def __init__(self, count: int) -> None: ...
    def __getitem__(self, index: int) -> Assessment: ...
    def breaching(self, count: int) -> list[int]: ...

# accepted, reason bits, before, after
_ShadowVerdict: TypeAlias = tuple[bool, int, Assessment, Assessment]

@final
class LevelDifferences:
    def __init__(self, step_count: int, active: Sequence[Sequence[int]], shadow: Sequence[Sequence[int]]) -> None: ...
    def note_pool(self, pool: int, active: Assessment, shadow: Assessment) -> None: ...
    def note_range(self, count: int, active: Batch, shadow: Batch) -> None: ...
    def now(self) -> dict[tuple[int, int], int]: ...
    def total(self) -> dict[tuple[int, int], int]: ...

@final
class Engine:
    instrument_count: int
    asset_count: int
    pool_count: int
    account_count: int
    @property
    def checks_compared(self) -> int: ...
    def add_asset(self, rule: int, shadow_rule: int = -1) -> int: ...
    def add_instrument(
        self,
        settlement: int,
        underlying: int,
        inverse: bool,
        kind: int,
        multiplier: float,
        quantity_step: float,
        expires_ns: int,
        product: int,
        max_age_ns: int,
        strike: float = 0.0,
        right: int = 0,
        family: int = -1,
        parameters: Sequence[float] = (),
        wrong_way: int = 0,
        shadow: tuple[int, int, Sequence[float], int] | None = None,
    ) -> int: ...
    def set_prices(
        self,
        assets: _AssetRows,
        instruments: _InstrumentRows,
        shadow: tuple[_AssetRows, _InstrumentRows] | None = None,
    ) -> None: ...
    def set_quotes(self, rows: list[tuple[int, int, float]]) -> None: ...
    def quotes_of(self, instrument: int) -> dict[int, float]: ...
    def price_of(self, instrument: int) -> tuple[float, int, float, float, float]: ...
    def activate(
        self,
        tables: Tables,
        products: list[int],
        max_ages: list[int],
        asset_rules: list[int],
        class_profiles: list[int],
        account_profiles: dict[int, int],
        series: Sequence[tuple[int, int, Sequence[float]]] = (),
        parameters: Sequence[Sequence[float]] = (),
        wrong_ways: Sequence[int] = (),
    ) -> None: ...
    def set_series(
        self,
        series: Sequence[tuple[int, int, Sequence[float]]] | None,
        shadow_series: Sequence[tuple[int, int, Sequence[float]]] | None = None,
    ) -> None: ...
    def shade(
        self,
        tables: Tables,
        number: int,
        products: list[int],
        max_ages: list[int],
        asset_rules: list[int],
        class_profiles: list[int],
        account_profiles: dict[int, int],
        series: Sequence[tuple[int, int, Sequence[float]]] = (),
        parameters: Sequence[Sequence[float]] = (),
        wrong_ways: Sequence[int] = (),
        assets: _AssetRows | None = None,
    ) -> None: ...
    def unshade(self) -> None: ...
    def forget_compared(self) -> None: ...
    def figure(
        self,
        pool: int,
        code: int,
        of_pool: bool,
        instrument: int,
        portfolio: int,
        now: int,
        inputs: Sequence[float] = (),
    ) -> tuple[int, list[tuple[tuple[int, ...], float]]]: ...
    def add_account(self, class_id: int) -> int: ...
    def set_account(self, account: int, class_id: int, sequence: int) -> None: ...
    def account_state(self, account: int) -> tuple[int, int]: ...
    def pools_of(self, account: int) -> list[int]: ...
    def add_pool(self, account: int, isolated: int) -> int: ...
    def pool_state(self, pool: int) -> tuple[int, int, int, int]: ...
    def set_restriction(self, pool: int, restriction: int) -> None: ...
    def put_pool(
        self,
        pool: int,
        profile: int,
        due: float,
        balances: list[tuple[int, float]],
        positions: list[tuple[int, float, float, float]],
        orders: list[tuple[int, float, float, float]],
        shadow_profile: int = -1,
    ) -> None: ...
    def put_orders(self, pool: int, orders: list[tuple[int, float, float, float]]) -> None: ...
    def add_balance(self, pool: int, asset: int, amount: float) -> None: ...
    def move_balance(self, source: int, target: int, asset: int, left: float, held: float) -> None: ...
    def set_position(
        self, pool: int, instrument: int, quantity: float, entry_price: float, leverage: float
    ) -> None: ...
    def pool_content(
        self, pool: int
    ) -> tuple[float, list[tuple[int, float]], list[tuple[int, float, float, float]]]: ...
    def pool_instruments(self, pool: int) -> tuple[set[int], int]: ...
    def assets_held(self) -> list[int]: ...
    def costs_of(self, pool: int) -> list[tuple[float, float]]: ...
    def set_costs(self, pool: int, rows: list[tuple[float, float]]) -> None: ...
    def holdings(self, pool: int) -> list[tuple[int, float, float, float, float, float]]: ...
    def assess(self, pool: int, now: int) -> Assessment: ...
    def assess_range(self, first: int, count: int, now: int, out: Batch) -> None: ...
    def check_order(
        self,
        pool: int,
        instrument: int,
        quantity: float,
        price: float,
        leverage: float,
        reduce_only: bool,
        now: int,
        want_largest: bool = True,
    ) -> tuple[bool, int, Assessment, Assessment, float]: ...
    def compare_order(
        self,
        pool: int,
        instrument: int,
        quantity: float,
        price: float,
        leverage: float,
        reduce_only: bool,
        now: int,
        want_largest: bool = True,
    ) -> tuple[bool, int, Assessment, Assessment, float, _ShadowVerdict | None]: ...
    def check_shadow_order(
        self,
        pool: int,
        instrument: int,
        quantity: float,
        price: float,
        leverage: float,
        reduce_only: bool,
        now: int,
    ) -> _ShadowVerdict | None: ...
    def assess_shadow(self, pool: int, now: int) -> Assessment | None: ...
    def assess_shadow_range(self, first: int, count: int, now: int, out: Batch) -> bool: ...
    def what_if(
        self,
        pool: int,
        now: int,
        balances: list[tuple[int, float]],
        fills: list[tuple[int, float, float, float]],
        moves: list[tuple[int, float]],
        asset_moves: list[tuple[int, float]],
    ) -> Assessment: ...
    def liquidation_price(
        self, pool: int, instrument: int, now: int, ratio: float, is_smooth: bool = False
    ) -> float | None: ...

@final
class Scratch:
    instrument_count: int
    asset_count: int
    def __init__(self, engine: Engine, which: int | None, extra: int = 0) -> None: ...
    def place_underlying(
        self, instruments: list[int], asset: int, factor: float, volatility: float = 1.0, only_held: bool = False
    ) -> None: ...
    def move_underlying(
        self, instruments: list[int], asset: int, factor: float, volatility_shift: float = 0.0
    ) -> None: ...
    def instruments(self) -> list[int]: ...
    def held_assets(self) -> list[int]: ...
    def unpriced(self) -> list[int]: ...
    def mark_of(self, instrument: int) -> tuple[float, float]: ...
    def notional_of(self, instrument: int) -> float: ...
    def option_volatility(self, instrument: int) -> float: ...
    def assess(self, now: int) -> Assessment: ...
    def figure(
        self,
        standing: Assessment,
        number: int,
        of_pool: bool,
        instrument: int,
        portfolio: int,
        inputs: Sequence[float] = (),
    ) -> tuple[int, list[tuple[tuple[int, ...], float]]]: ...
    def gross_notional(self) -> float: ...
    def deposit(self, asset: int, amount: float) -> None: ...
    def fill(self, instrument: int, quantity: float, price: float, leverage: float) -> None: ...
    def trade(self, instrument: int, quantity: float, price: float = 0.0, leverage: float = 0.0) -> None: ...
    def cancel_orders(self) -> None: ...
    def restore(self) -> None: ...
    def crossings(
        self, instruments: list[int], asset: int, now: int, ratios: list[float]
    ) -> tuple[list[list[float]], int]: ...
    def breach_with_orders(
        self,
        instruments: list[int],
        asset: int,
        now: int,
        ratio: float,
        orders: list[tuple[int, float, float, float]],
    ) -> tuple[float | None, int, int]: ...

def rank(
    engine: Engine, market: Scratch, by: int, now: int, after_key: float, after_pool: int, size: int
) -> tuple[list[tuple[float, int, Assessment, float]], int, int, int, bool] | None: ...

# strategy, amount, cost of one unit, legs (instrument, quantity)
_Use: TypeAlias = tuple[int, float, float, tuple[tuple[int, float], ...]]
# strategy book, requirement, status, whether it is proven, cost, strategies used
_Grouping: TypeAlias = tuple[int, int, int, bool, float, list[_Use]]

def explain(
    copy: Scratch, now: int
) -> tuple[
    Assessment,
    int,
    list[tuple[int, float, float, float, float, float, int]],
    list[tuple[int, tuple[int, ...], float, float, float, int, list[_Grouping]]],
    list[tuple[int, float]],
]: ...
def reasons_of_value(value: float) -> int: ...
def searches_cut() -> int: ...

# An array of doubles (any buffer), or one number for all.
Column: TypeAlias = Buffer | float
# price, delta, gamma, vega, theta, rho
Greeks: TypeAlias = tuple[array[float], array[float], array[float], array[float], array[float], array[float]]

def use_lanes(most: int) -> int: ...
def exponential(x: Column) -> array[float]: ...
def logarithm(x: Column) -> array[float]: ...
def power(base: Column, exponent: Column) -> array[float]: ...
def normal_distribution(x: Column) -> array[float]: ...
def black76(right: Column, forward: Column, strike: Column, years: Column, volatility: Column) -> array[float]: ...
def black76_inverse(
    right: Column, forward: Column, strike: Column, years: Column, volatility: Column
) -> array[float]: ...
def black_scholes(
    right: Column, spot: Column, strike: Column, years: Column, volatility: Column, rate: Column, dividend_yield: Column
) -> array[float]: ...
def american(
    right: Column, spot: Column, strike: Column, years: Column, volatility: Column, rate: Column, dividend_yield: Column
) -> array[float]: ...
def black76_greeks(right: Column, forward: Column, strike: Column, years: Column, volatility: Column) -> Greeks: ...
def black_scholes_greeks(
    right: Column, spot: Column, strike: Column, years: Column, volatility: Column, rate: Column, dividend_yield: Column
) -> Greeks: ...
def american_greeks(
    right: Column, spot: Column, strike: Column, years: Column, volatility: Column, rate: Column, dividend_yield: Column
) -> Greeks: ...
def black76_implied(right: Column, price: Column, forward: Column, strike: Column, years: Column) -> array[float]: ...
def black_scholes_implied(
    right: Column, price: Column, spot: Column, strike: Column, years: Column, rate: Column, dividend_yield: Column
) -> array[float]: ...
def american_implied(
    right: Column, price: Column, spot: Column, strike: Column, years: Column, rate: Column, dividend_yield: Column
) -> array[float]: ...

@final
class StrategyGrouping:
    def __init__(
        self,
        legs: Sequence[tuple[int, float, Sequence[float]]],
        strategies: Sequence[_Strategy],
        run: int = 0,
        multiplier_field: int = 4,
        candidates: int = 16_384,
    ) -> None: ...
    @property
    def candidates(self) -> list[tuple[int, tuple[int, ...], float]]: ...
    @property
    def groups(self) -> list[tuple[int, tuple[int, ...], float, float]]: ...
    @property
    def bound(self) -> float: ...
    @property
    def pivots(self) -> int: ...
    @property
    def is_whole(self) -> bool: ...
    @property
    def is_complete(self) -> bool: ...
    def find(self) -> None: ...
    def price(self, costs: Sequence[float | None]) -> None: ...
    def price_by_code(self, requirement: int) -> None: ...
    def solve(
        self, fallback: float = ..., nodes: int | None = None, work: int | None = None
    ) -> tuple[float, bool, int, int]: ...
