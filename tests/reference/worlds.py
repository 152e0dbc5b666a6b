# SPDX-License-Identifier: Apache-2.0
"""
Random rules, markets, pools and orders for the exact model. Every number is a double, so both sides read the same.

Only the outermost strategies are composite: drawing from nested ones costs more than everything that is tested.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from hypothesis import strategies as st

from tests.reference.exact import (
    ONE,
    ZERO,
    Asset,
    Collateral,
    Instrument,
    Kind,
    Limit,
    Lot,
    Order,
    Pool,
    Position,
    Product,
    Rules,
    Tier,
    World,
    assess,
    deposit,
    move_asset,
    move_mark,
)

T = TypeVar("T")

FLOORS = (500, 1_000, 7_500, 10_000, 50_000, 100_000)
CASH = 0  # the first asset is worth 1 and counts in full


@functools.cache
def _between(least: int, greatest: int) -> st.SearchStrategy[int]:
    return st.integers(least, greatest)


def whole(draw: st.DrawFn, least: int, greatest: int) -> int:
    """Draw a whole number."""
    return draw(_between(least, greatest))


def pick(draw: st.DrawFn, among: Sequence[T]) -> T:
    """Draw one of several; failures shrink towards the first."""
    return among[whole(draw, 0, len(among) - 1)]


def flip(draw: st.DrawFn) -> bool:
    """Draw yes or no."""
    return bool(whole(draw, 0, 1))


def double(value: float | Fraction) -> Fraction:
    """Return the double nearest to a value, as a fraction."""
    return Fraction(float(value))


def decimal(numerator: int, denominator: int) -> Fraction:
    """Return the double nearest to a decimal fraction."""
    return Fraction(numerator / denominator)


def draw_tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    """Draw a tier table: floors rise, rates do not fall, the initial rate is never below the maintenance rate."""
    floor, initial, maintenance, rows = 0, 0, 0, []
    for k in range(whole(draw, 1, 4)):
        floor += pick(draw, FLOORS) if k else 0
        initial = min(initial + whole(draw, 0, 250), 1_000)
        maintenance = min(maintenance + whole(draw, 0, 150), initial)
        rows.append(Tier(Fraction(floor), decimal(initial, 1_000), decimal(maintenance, 1_000)))
    return tuple(rows)


def draw_product(draw: st.DrawFn, ladder_count: int) -> Product:
    """Draw how one product is margined."""
    features = whole(draw, 0, 3)
    lower = whole(draw, 0, 50) * 1_000_000 if features & 2 else 0
    return Product(
        tiers=draw_tiers(draw),
        ladder=whole(draw, 0, ladder_count - 1) if ladder_count > 1 else 0,
        by_leverage=bool(features & 1),
        open_interest_lower=Fraction(lower),
        open_interest_upper=Fraction(lower + whole(draw, 1, 50) * 1_000_000) if features & 2 else ZERO,
    )


def draw_collateral(draw: st.DrawFn) -> Collateral:
    """Draw what counts of an asset: the counted share does not rise with the value."""
    floor, share, brackets = 0, 1_000, []
    for k in range(whole(draw, 1, 4)):
        floor += pick(draw, FLOORS) if k else 0
        share -= whole(draw, 0, 300) * share // 1_000
        brackets.append((Fraction(floor), decimal(share, 1_000)))
    cap = pick(draw, (None, Fraction(60_000), Fraction(5_000)))
    plain = Collateral(tuple(brackets), cap, pick(draw, (ONE, ONE, ONE / 2, ONE / 8)))
    return plain if flip(draw) else draw_terms(draw, plain)


def draw_terms(draw: st.DrawFn, plain: Collateral) -> Collateral:
    """Draw what more may be said of an asset; a haircut for IM stands in the place of tiers."""
    features = whole(draw, 0, 127)
    if features & 1:
        plain = replace(plain, liability=decimal(whole(draw, 100, 200), 100))
    if features & 2:
        plain = replace(plain, volatility=(decimal(whole(draw, 1, 30), 10), decimal(whole(draw, 0, 30), 100)))
    if features & 4:
        rates = sorted(whole(draw, 0, 60) for _ in range(3))
        tenors = tuple(zip((365, 3_650, None), (decimal(rate, 100) for rate in rates), strict=True))
        plain = replace(plain, tenors=tenors, days_left=pick(draw, (1, 365, 366, 3_650, 9_000)))
    if features & 8:
        plain = replace(plain, call_price=decimal(whole(draw, 1, 100_000), 100))
    if features & 16:
        plain = replace(plain, deposits=Fraction(1_000_000), borrows=Fraction(500_000))
    if features & 32:
        plain = replace(plain, wrong_way=((whole(draw, 0, 2),), decimal(whole(draw, 0, 100), 100)))
    if features & 64:
        share = plain.brackets[0][1]
        initial = decimal(whole(draw, 0, 1_000), 1_000)
        plain = replace(plain, brackets=((ZERO, share),), initial=max(initial, ONE - share))
    return plain


def draw_asset(draw: st.DrawFn, rule_count: int) -> Asset:
    """Draw an asset with its volatility and what all deposit and borrow."""
    return Asset(
        price=decimal(whole(draw, 1, 100_000), 100),
        rule=whole(draw, 0, rule_count),
        volatility=decimal(whole(draw, 0, 150), 100),
        deposits=Fraction(whole(draw, 0, 30) * 100_000),
        borrows=Fraction(whole(draw, 0, 20) * 100_000),
    )


def draw_instrument(draw: st.DrawFn, asset_count: int, product_count: int) -> Instrument:
    """Draw an instrument; an inverse one settles in its own underlying."""
    kind = pick(draw, tuple(Kind))
    settlement = whole(draw, 0, asset_count - 1) if asset_count > 1 else 0
    return Instrument(
        kind=kind,
        settlement=settlement,
        underlying=settlement if kind is Kind.INVERSE else asset_count - 1,
        multiplier=pick(draw, (ONE, double(0.01), Fraction(100))),
        step=pick(draw, (ZERO, double(0.001), ONE)),
        mark=decimal(whole(draw, 1, 100_000), 100),
        open_interest=Fraction(whole(draw, 0, 100) * 1_000_000),
        product=whole(draw, 0, product_count - 1) if product_count > 1 else 0,
    )


def draw_world(draw: st.DrawFn) -> World:
    """Draw rules with two profiles, up to three assets and up to three instruments."""
    ladders = []
    for _ in range(whole(draw, 1, 2)):
        rung, rungs = 300, []
        for _ in range(whole(draw, 0, 3)):
            rung -= whole(draw, 1, 90)
            rungs.append(decimal(rung, 100))
        ladders.append(tuple(rungs))
    products = tuple(draw_product(draw, len(ladders)) for _ in range(whole(draw, 1, 2)))
    rates = tuple(draw_collateral(draw) for _ in range(whole(draw, 0, 2)))
    assets = [Asset(ONE, CASH)]
    assets += [draw_asset(draw, len(rates)) for _ in rates]
    count = whole(draw, 1, 3)
    instruments = tuple(draw_instrument(draw, len(assets), len(products)) for _ in range(count))
    rules = Rules(
        profiles=(products, products[::-1]),
        collateral=(Collateral(((ZERO, ONE),)), *rates),
        ladders=tuple(ladders),
        default_ladders=(0, len(ladders) - 1),
    )
    return World(rules, tuple(assets), instruments)


def draw_quantity(draw: st.DrawFn, world: World, index: int) -> Fraction:
    """Draw a signed quantity, not 0, by its notional, of which some fall on the floors of tiers."""
    notional = whole(draw, -150_000, 150_000) or pick(draw, FLOORS)
    if notional % 8 == 0:
        notional = -pick(draw, FLOORS)
    what = world.instruments[index]
    one = what.multiplier * (1 / what.mark if what.kind is Kind.INVERSE else what.mark)
    quantity = abs(notional) / float(one * world.assets[what.settlement].price)
    if what.step:
        step = float(what.step)
        quantity = max(round(quantity / step), 1) * step
    return Fraction(quantity if notional > 0 else -quantity)


def draw_price(draw: st.DrawFn, world: World, index: int) -> Fraction:
    """Draw a price not far from the mark, often the mark itself."""
    percent = whole(draw, 60, 180)
    mark = world.instruments[index].mark
    return mark if percent > 150 else double(float(mark) * percent / 100)


def draw_order(draw: st.DrawFn, world: World) -> Order:
    """Draw one order with leverage."""
    index = whole(draw, 0, len(world.instruments) - 1)
    leverage = Fraction(whole(draw, 1, 50))
    return Order(index, draw_quantity(draw, world, index), draw_price(draw, world, index), leverage)


def draw_pool(draw: st.DrawFn, world: World) -> Pool:
    """Draw a pool; its cash is chosen so that equity falls near the requirements, where decisions are made."""
    positions = []
    for index, what in enumerate(world.instruments):
        leverage = whole(draw, -12, 50)
        if leverage > 0:
            quantity = draw_quantity(draw, world, index)
            price = ZERO if what.kind is Kind.SPOT else draw_price(draw, world, index)
            positions.append(Position(index, (Lot(quantity, price),), Fraction(leverage)))
    balances = []
    for index in range(1, len(world.assets)):
        value = whole(draw, -20_000, 100_000)
        if value:
            balances.append((index, double(value / float(world.assets[index].price))))
    features = whole(draw, 0, 15)
    pool = Pool(
        profile=features & 1,
        due=Fraction((0, 0, 25, -10)[features >> 2]),
        balances=tuple(balances),
        positions=tuple(positions),
        orders=tuple(draw_order(draw, world) for _ in range(max(whole(draw, -2, 3), 0))),
    )
    figures = assess(world, pool)
    goal = (figures.initial_margin if features & 2 else figures.maintenance_margin) or Fraction(1_000)
    percent = whole(draw, -20, 350)
    if percent > 250:
        percent = 90 + (percent - 250) // 4
    return deposit(pool, CASH, double(round(float(goal * percent / 100 - figures.equity), 2)))


@st.composite
def tables(draw: st.DrawFn) -> tuple[Product, Collateral, Collateral]:
    """Draw a product and the rules of two assets."""
    return draw_product(draw, 1), draw_collateral(draw), draw_collateral(draw)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[World, Pool]:
    """Draw a world and a pool in it."""
    world = draw_world(draw)
    return world, draw_pool(draw, world)


@st.composite
def order_scenes(draw: st.DrawFn) -> tuple[World, Pool, Order]:
    """Draw a world, a pool and an order, often one against a position of the pool."""
    world = draw_world(draw)
    pool = draw_pool(draw, world)
    at = whole(draw, -1, len(pool.positions) - 1) if pool.positions else -1
    if at < 0:
        order = draw_order(draw, world)
    else:
        held = pool.positions[at]
        quantity = double(-float(held.quantity) * pick(draw, (1.0, 1.0, 0.25, 0.5, 1.5, 2.0)))
        order = Order(held.instrument, quantity, draw_price(draw, world, held.instrument), held.leverage)
    features = whole(draw, 0, 31)
    limit = (Limit.NONE,) * 6 + (Limit.REDUCE_ONLY, Limit.BLOCKED)
    return world, replace(pool, limit=limit[features & 7]), replace(order, reduce_only=features >> 3 == 3)


@dataclass(frozen=True)
class Change:
    """Carry a world before and after moves, a pool, and what happens to the pool in the moved world."""

    world: World
    moved: World
    pool: Pool
    deposits: tuple[tuple[int, Fraction], ...]
    fills: tuple[Order, ...]


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """Draw deposits, moves of one mark and one asset, and fills at the moved marks."""
    world = draw_world(draw)
    pool = draw_pool(draw, world)
    features = whole(draw, 0, 63)
    moved = world
    if features & 1:
        index = whole(draw, 0, len(world.instruments) - 1)
        moved = move_mark(moved, index, draw_price(draw, world, index))
    if features & 2:
        asset = whole(draw, 0, len(world.assets) - 1)
        moved = move_asset(moved, asset, double(float(world.assets[asset].price) * 1.07))
    deposits = [
        (whole(draw, 0, len(world.assets) - 1), Fraction(whole(draw, -5_000, 5_000))) for _ in range(features >> 2 & 1)
    ]
    fills = [replace(draw_order(draw, world), price=ZERO) for _ in range(features >> 3 & 3)]
    fills = [replace(fill, price=moved.instruments[fill.instrument].mark) for fill in fills]
    return Change(world, moved, pool, tuple(deposits), tuple(fills))
