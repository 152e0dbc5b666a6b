# SPDX-License-Identifier: Apache-2.0
"""
The margin rules once more, in exact fractions and as literally as they can be written.

This model shares nothing with the package: a tier table is walked bracket by bracket, a position is a list of lots, and
nothing is rounded. It is slow and meant to be read. Where a decision hangs on a comparison, the model answers yes, no
or `None`: too near to call for arithmetic in doubles.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

ZERO = Fraction(0)
ONE = Fraction(1)
TOLERANCE = Fraction(1, 10**11)  # of the sum of all absolute terms


class Kind(enum.Enum):
    """Say how a quantity turns into value."""

    LINEAR = "linear"
    INVERSE = "inverse"
    SPOT = "spot"


class Limit(enum.IntEnum):
    """Say what a pool may do."""

    NONE = 0
    REDUCE_ONLY = 1
    BLOCKED = 2


@dataclass(frozen=True)
class Tier:
    """Carry the rates of the notional from `floor` up to the next tier's floor."""

    floor: Fraction
    initial_rate: Fraction
    maintenance_rate: Fraction


@dataclass(frozen=True)
class Product:
    """Carry how one product is margined; `open_interest_upper` 0 means no scaling."""

    tiers: tuple[Tier, ...]
    ladder: int
    by_leverage: bool = False
    open_interest_lower: Fraction = ZERO
    open_interest_upper: Fraction = ZERO


@dataclass(frozen=True)
class Collateral:
    """
    Carry what counts of an asset: (floor, counted share) brackets of its value, a cap, a share of the pool, and more.

    Volatility is (haircut for a volatility of 1, floor); tenors are (days left, further haircut), the last without an
    end; a wrong-way rule is (underlyings, haircut); deposits and borrows are limits; `initial` is the haircut for IM.
    """

    brackets: tuple[tuple[Fraction, Fraction], ...]
    cap: Fraction | None = None
    concentration: Fraction = ONE
    liability: Fraction = ONE
    volatility: tuple[Fraction, Fraction] | None = None
    tenors: tuple[tuple[int | None, Fraction], ...] = ()
    days_left: int = 0
    call_price: Fraction | None = None
    deposits: Fraction | None = None
    borrows: Fraction | None = None
    wrong_way: tuple[tuple[int, ...], Fraction] | None = None
    initial: Fraction | None = None


@dataclass(frozen=True)
class Rules:
    """Carry one program: a list of products for each profile."""

    profiles: tuple[tuple[Product, ...], ...]
    collateral: tuple[Collateral, ...]
    ladders: tuple[tuple[Fraction, ...], ...]
    default_ladders: tuple[int, ...]


@dataclass(frozen=True)
class Asset:
    """Carry the price of an asset, its collateral rule, its volatility, and what all deposit and borrow."""

    price: Fraction
    rule: int
    volatility: Fraction = ZERO
    deposits: Fraction = ZERO
    borrows: Fraction = ZERO


@dataclass(frozen=True)
class Instrument:
    """Carry one instrument with its mark and open interest."""

    kind: Kind
    settlement: int
    underlying: int
    multiplier: Fraction
    step: Fraction
    mark: Fraction
    open_interest: Fraction
    product: int


@dataclass(frozen=True)
class World:
    """Carry rules and market."""

    rules: Rules
    assets: tuple[Asset, ...]
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True)
class Lot:
    """Carry a signed quantity and the price at which it was dealt."""

    quantity: Fraction
    price: Fraction


@dataclass(frozen=True)
class Position:
    """Carry all lots of one instrument; leverage 0 is none."""

    instrument: int
    lots: tuple[Lot, ...]
    leverage: Fraction = ZERO

    @property
    def quantity(self) -> Fraction:
        return sum((lot.quantity for lot in self.lots), ZERO)


@dataclass(frozen=True)
class Order:
    """Carry one order; the price is never 0 here."""

    instrument: int
    quantity: Fraction
    price: Fraction
    leverage: Fraction = ZERO
    reduce_only: bool = False


@dataclass(frozen=True)
class Pool:
    """Carry what one pool holds; balances are (asset, amount)."""

    profile: int = 0
    due: Fraction = ZERO
    balances: tuple[tuple[int, Fraction], ...] = ()
    positions: tuple[Position, ...] = ()
    orders: tuple[Order, ...] = ()
    limit: Limit = Limit.NONE


@dataclass(frozen=True)
class Figures:
    """Carry one assessment; `gross` is the sum of all absolute terms, `is_usable` is false without leverage."""

    equity: Fraction
    initial_margin: Fraction
    maintenance_margin: Fraction
    collateral_value: Fraction
    unrealized_pnl: Fraction
    ladder: int
    gross: Fraction
    is_usable: bool


@dataclass(frozen=True)
class Verdict:
    """Carry a decision: yes, no, or None where it is too near to call; the same for "within initial margin"."""

    accepted: bool | None
    is_covered: bool | None
    before: Figures
    after: Figures


# Requirements


def sum_of_slices(notional: Fraction, rates: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Charge each slice of the notional at the rate of its own bracket."""
    total = ZERO
    for k, (floor, rate) in enumerate(rates):
        if notional <= floor:
            break
        is_last = k + 1 == len(rates)
        ceiling = notional if is_last else min(notional, rates[k + 1][0])
        total += (ceiling - floor) * rate
    return total


def open_interest_share(product: Product, open_interest: Fraction) -> Fraction:
    """Return how far open interest has come from the lower to the upper bound, between 0 and 1."""
    lower, upper = product.open_interest_lower, product.open_interest_upper
    if upper == 0 or open_interest <= lower:
        return ZERO
    if open_interest >= upper:
        return ONE
    return (open_interest - lower) / (upper - lower)


def requirement(
    product: Product, notional: Fraction, open_interest: Fraction, leverage: Fraction
) -> tuple[Fraction, Fraction]:
    """Return (IM, MM) of one position. `leverage` 0 asks nothing."""
    if notional == 0:
        return ZERO, ZERO
    initial = sum_of_slices(notional, [(tier.floor, tier.initial_rate) for tier in product.tiers])
    maintenance = sum_of_slices(notional, [(tier.floor, tier.maintenance_rate) for tier in product.tiers])
    rate = initial / notional
    rate += (1 - rate) * open_interest_share(product, open_interest)
    initial = notional * rate
    if product.by_leverage and leverage:
        initial = max(initial, notional / leverage)
    return max(initial, maintenance), maintenance


# Worth


def unit_price(world: World, instrument: Instrument) -> Fraction:
    """Return the price of the settlement asset."""
    return world.assets[instrument.settlement].price


def notional_of(world: World, instrument: Instrument, quantity: Fraction) -> Fraction:
    """Return the absolute value of a quantity at the mark."""
    per_unit = 1 / instrument.mark if instrument.kind is Kind.INVERSE else instrument.mark
    return abs(quantity) * instrument.multiplier * per_unit * unit_price(world, instrument)


def gain(instrument: Instrument, lot: Lot) -> Fraction:
    """Return the profit of a lot against the mark, in the settlement asset."""
    if instrument.kind is Kind.INVERSE:
        return lot.quantity * instrument.multiplier * (1 / lot.price - 1 / instrument.mark)
    return lot.quantity * instrument.multiplier * (instrument.mark - lot.price)


def worth(world: World, position: Position) -> Fraction:
    """Return what a position adds to equity: spot counts in full, a contract by its profit."""
    instrument = world.instruments[position.instrument]
    price = unit_price(world, instrument)
    if instrument.kind is Kind.SPOT:
        return position.quantity * instrument.multiplier * instrument.mark * price
    return sum((gain(instrument, lot) for lot in position.lots), ZERO) * price


def terms_of(world: World, instrument: Instrument, lots: Iterable[Lot]) -> Fraction:
    """Return the sum of the absolute values that go into the profit of some lots."""
    total = ZERO
    for lot in lots:
        total += notional_of(world, instrument, lot.quantity)
        if lot.price:
            total += notional_of(world, replace(instrument, mark=lot.price), lot.quantity)
    return total


def counted_debt(rule: Collateral, asset: Asset, value: Fraction) -> Fraction:
    """Return what a debt counts: its value by the liability weight, and more where all borrow beyond the limit."""
    if rule.borrows is not None and asset.borrows > rule.borrows:
        value = value * asset.borrows / rule.borrows
    return value * rule.liability


def counted(rule: Collateral, asset: Asset, amount: Fraction, least: Fraction) -> Fraction:
    """
    Return what counts of a holding.

    Each slice of value counts at its own share, but no more of the whole than the greatest least haircut leaves; then
    the haircut for the time left goes off, the limit on all deposits scales the rest, and the cap comes last.
    """
    price = asset.price if rule.call_price is None else min(asset.price, rule.call_price)
    value = amount * price
    if rule.volatility is not None:
        rate, floor = rule.volatility
        least = max(least, min(max(rate * asset.volatility, floor), ONE))
    after = min(sum_of_slices(value, list(rule.brackets)), value * (1 - least))
    for days, rate in rule.tenors:
        if days is None or rule.days_left <= days:
            after = max(after - value * rate, ZERO)
            break
    if rule.deposits is not None and asset.deposits > rule.deposits:
        after = after * rule.deposits / asset.deposits
    return after if rule.cap is None else min(after, rule.cap)


def is_wrong_way(world: World, pool: Pool, rule: Collateral) -> bool:
    """Say whether a pool holds what loses when an underlying of the rule falls."""
    if rule.wrong_way is None:
        return False
    underlyings, _ = rule.wrong_way
    return any(
        held.quantity > 0 and world.instruments[held.instrument].underlying in underlyings for held in pool.positions
    )


def collateral_of(world: World, pool: Pool, *, for_initial: bool = False) -> tuple[Fraction, Fraction]:
    """Return (what the balances count together, sum of their absolute values)."""
    values, shares, gross = [], [], ZERO
    for index, amount in pool.balances:
        asset = world.assets[index]
        rule = world.rules.collateral[asset.rule]
        least = rule.wrong_way[1] if rule.wrong_way and is_wrong_way(world, pool, rule) else ZERO
        if for_initial and rule.initial is not None:
            least = max(least, rule.initial)
        value = amount * asset.price
        values.append(counted(rule, asset, amount, least) if value > 0 else counted_debt(rule, asset, value))
        shares.append(rule.concentration)
        gross += max(abs(value), abs(values[-1]))
    total = sum(values, ZERO)
    limits = [None if share >= 1 else max(ZERO, share * total) for share in shares]
    kept = [value if limit is None else min(value, limit) for value, limit in zip(values, limits, strict=True)]
    return sum(kept, ZERO), gross


# Assessment


def product_of(world: World, pool: Pool, instrument: int) -> Product:
    """Return how the pool's profile margins an instrument."""
    return world.rules.profiles[pool.profile][world.instruments[instrument].product]


def position_in(pool: Pool, instrument: int) -> Position | None:
    """Return the pool's position in an instrument."""
    return next((held for held in pool.positions if held.instrument == instrument), None)


def margin_at(
    world: World, pool: Pool, instrument: int, quantity: Fraction, leverage: Fraction
) -> tuple[Fraction, Fraction]:
    """Return (IM, MM) of a quantity of an instrument in this pool."""
    what = world.instruments[instrument]
    product = product_of(world, pool, instrument)
    return requirement(product, notional_of(world, what, quantity), what.open_interest, leverage)


def order_margin(world: World, pool: Pool, index: int) -> tuple[Fraction, Fraction, bool]:
    """Return (IM that the open orders of an instrument add, absolute terms, whether leverage is known)."""
    orders = [order for order in pool.orders if order.instrument == index]
    instrument = world.instruments[index]
    product = product_of(world, pool, index)
    held = position_in(pool, index)
    quantity = held.quantity if held else ZERO
    settings = [order.leverage for order in orders if order.leverage]
    if held and held.leverage:
        settings.append(held.leverage)
    leverage = min(settings, default=ZERO)
    now, _ = margin_at(world, pool, index, quantity, held.leverage if held else ZERO)
    worst, gross = ZERO, ZERO
    for side in (1, -1):
        lots = [Lot(order.quantity, order.price) for order in orders if order.quantity * side > 0]
        filled, _ = margin_at(world, pool, index, quantity + sum((lot.quantity for lot in lots), ZERO), leverage)
        loss = -sum((gain(instrument, lot) for lot in lots), ZERO) * unit_price(world, instrument)
        worst = max(worst, filled + max(loss, ZERO) - now)
        gross += terms_of(world, instrument, lots)
    return worst, gross, bool(leverage) or not product.by_leverage


def assess(world: World, pool: Pool) -> Figures:
    """Assess one pool."""
    pnl, initial, maintenance, is_usable = ZERO, ZERO, ZERO, True
    collateral, gross = collateral_of(world, pool)
    initial += collateral - min(collateral_of(world, pool, for_initial=True)[0], collateral)
    ladders = set()
    for held in pool.positions:
        product = product_of(world, pool, held.instrument)
        one_initial, one_maintenance = margin_at(world, pool, held.instrument, held.quantity, held.leverage)
        initial += one_initial
        maintenance += one_maintenance
        pnl += worth(world, held)
        gross += terms_of(world, world.instruments[held.instrument], held.lots)
        ladders.add(product.ladder)
        is_usable = is_usable and (bool(held.leverage) or not product.by_leverage)
    for index in sorted({order.instrument for order in pool.orders}):
        added, terms, is_known = order_margin(world, pool, index)
        initial += added
        gross += terms
        is_usable = is_usable and is_known
    ladder = ladders.pop() if len(ladders) == 1 else world.rules.default_ladders[pool.profile]
    return Figures(
        equity=collateral + pnl - pool.due,
        initial_margin=initial,
        maintenance_margin=maintenance,
        collateral_value=collateral,
        unrealized_pnl=pnl,
        ladder=ladder,
        gross=gross + abs(pool.due),
        is_usable=is_usable,
    )


def levels(world: World, figures: Figures) -> tuple[int, int]:
    """Return the least and the greatest level that doubles may find: thresholds surely and perhaps breached."""
    slack = TOLERANCE * figures.gross
    gaps = [figures.equity - rung * figures.maintenance_margin for rung in world.rules.ladders[figures.ladder]]
    return sum(gap < -slack for gap in gaps), sum(gap <= slack for gap in gaps)


# Orders


def fill(world: World, pool: Pool, order: Order) -> Pool:
    """Return the pool after an order fills; of spot the settlement asset pays."""
    lot = Lot(order.quantity, order.price)
    positions = list(pool.positions)
    at = next((k for k, held in enumerate(positions) if held.instrument == order.instrument), None)
    if at is None:
        positions.append(Position(order.instrument, (lot,), order.leverage))
    else:
        positions[at] = replace(positions[at], lots=(*positions[at].lots, lot))
    filled = replace(pool, positions=tuple(positions))
    instrument = world.instruments[order.instrument]
    if instrument.kind is not Kind.SPOT:
        return filled
    return deposit(filled, instrument.settlement, -order.quantity * instrument.multiplier * order.price)


def deposit(pool: Pool, asset: int, amount: Fraction) -> Pool:
    """Return the pool with an amount added to one of its balances."""
    if all(index != asset for index, _ in pool.balances):
        return replace(pool, balances=(*pool.balances, (asset, amount)))
    balances = tuple((index, held + amount if index == asset else held) for index, held in pool.balances)
    return replace(pool, balances=balances)


def is_reducing(pool: Pool, order: Order) -> bool | None:
    """Say whether an order, after all resting orders of its side, still only brings the position nearer to nothing."""
    held = position_in(pool, order.instrument)
    if held is None or held.quantity * order.quantity >= 0:
        return False
    resting = sum(
        (
            abs(other.quantity)
            for other in pool.orders
            if other.instrument == order.instrument and other.quantity * order.quantity > 0
        ),
        ZERO,
    )
    room = abs(held.quantity) - resting - abs(order.quantity)
    # Without resting orders both sides are the numbers themselves, and doubles compare them exactly.
    return is_at_least(room, ZERO, TOLERANCE * abs(held.quantity) if resting else ZERO)


def is_at_least(left: Fraction, right: Fraction, slack: Fraction) -> bool | None:
    """Compare, or answer None where the difference is not greater than the slack."""
    if abs(left - right) <= slack and slack:
        return None
    return left >= right


def both(one: bool | None, other: bool | None) -> bool | None:
    """Return whether both hold; None is unknown."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def either(one: bool | None, other: bool | None) -> bool | None:
    """Return whether one of them holds; None is unknown."""
    if one is True or other is True:
        return True
    return None if one is None or other is None else False


def is_not_riskier(before: Figures, after: Figures) -> bool | None:
    """Say whether MM does not rise and MM / equity does not worsen; where nothing is required, equity must not fall."""
    gross = before.gross + after.gross
    slack = TOLERANCE * gross
    margin_before, margin_after = before.maintenance_margin, after.maintenance_margin
    is_lower = is_at_least(margin_before, margin_after, slack if margin_before or margin_after else ZERO)
    keeps_equity = is_at_least(after.equity, before.equity, slack)
    keeps_ratio = is_at_least(
        after.equity * margin_before, before.equity * margin_after, slack * (margin_before + margin_after)
    )
    if margin_before == 0:
        # A rate of nothing may leave a rounding in doubles, after which the other comparison is made.
        return both(is_lower, keeps_equity)
    return both(is_lower, keeps_ratio)


def decide(world: World, pool: Pool, order: Order) -> Verdict:
    """Decide one order."""
    before = assess(world, pool)
    if not before.is_usable or pool.limit is Limit.BLOCKED:
        return Verdict(False, None, before, before)
    allowed: bool | None = True
    if order.reduce_only or pool.limit is Limit.REDUCE_ONLY:
        allowed = is_reducing(pool, order)
        if allowed is False:
            return Verdict(False, None, before, before)
    opened = assess(world, replace(pool, orders=(*pool.orders, order)))
    filled = assess(world, replace(fill(world, pool, order), orders=()))
    after = replace(filled, initial_margin=opened.initial_margin, gross=max(filled.gross, opened.gross))
    if not (opened.is_usable and filled.is_usable):
        return Verdict(False, None, before, after)
    slack = TOLERANCE * (before.gross + opened.gross + filled.gross)
    is_covered = is_at_least(before.equity, opened.initial_margin, slack)
    has_wrong_way = any(rule.wrong_way is not None for rule in world.rules.collateral)
    if world.instruments[order.instrument].kind is Kind.SPOT or has_wrong_way:
        # A fill of spot turns one asset into another, which may count for less; so may what is wrong-way to a fill.
        is_covered = both(is_covered, is_at_least(filled.equity, filled.initial_margin, slack))
    # Resting orders together may not raise risk either; where nothing changes, nothing is compared.
    keeps_orders = opened.initial_margin == before.initial_margin or is_at_least(
        before.initial_margin, opened.initial_margin, slack
    )
    passes = either(is_covered, both(is_not_riskier(before, after), keeps_orders))
    return Verdict(both(allowed, passes), is_covered, before, after)


# What if


def move_asset(world: World, asset: int, price: Fraction) -> World:
    """Return the world with one asset at another price."""
    assets = tuple(replace(one, price=price) if k == asset else one for k, one in enumerate(world.assets))
    return replace(world, assets=assets)


def move_mark(world: World, instrument: int, mark: Fraction) -> World:
    """Return the world with one instrument at another mark."""
    instruments = tuple(replace(one, mark=mark) if k == instrument else one for k, one in enumerate(world.instruments))
    return replace(world, instruments=instruments)


def scaled(world: World, instrument: int, factor: Fraction) -> World:
    """Return the world with a mark times a factor, and with it the coin where that settles the instrument."""
    what = world.instruments[instrument]
    if what.settlement == what.underlying:
        world = move_asset(world, what.settlement, world.assets[what.settlement].price * factor)
    return move_mark(world, instrument, what.mark * factor)
