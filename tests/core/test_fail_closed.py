# SPDX-License-Identifier: Apache-2.0
"""What cannot be known is refused: every gap in the data has its reason bit, and no order passes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest

from marginrules._core.core import Assessment, Batch, Engine, Tables
from marginrules.codes import INVALID_MASK, InstrumentKind, Reason

NOW = 1_000_000_000_000
AGE = 5_000
DOLLAR, COIN, EXOTIC = 0, 1, 2
PERP, FUTURE, SPOT, GEARED = 0, 1, 2, 3
NAN, INFINITY = math.nan, math.inf

BalanceRow = tuple[int, float]
HoldingRow = tuple[int, float, float, float]


@dataclass
class Scene:
    """Carry one healthy pool and its market; a test spoils one thing and calls `engine`."""

    product: list[int] = field(default_factory=lambda: [0, 0, 0, 1])
    asset_rule: list[int] = field(default_factory=lambda: [0, 1, 1])
    prices: list[tuple[int, float, int, int]] = field(
        default_factory=lambda: [(DOLLAR, 1.0, NOW, AGE), (COIN, 20_000.0, NOW, AGE), (EXOTIC, 5.0, NOW, AGE)]
    )
    marks: list[tuple[int, float, int, float]] = field(
        default_factory=lambda: [(index, 20_000.0, NOW, 1e6) for index in (PERP, FUTURE, SPOT, GEARED)]
    )
    expires_ns: int = NOW + AGE
    due: float = 1.0
    balances: list[BalanceRow] = field(default_factory=lambda: [(DOLLAR, 1e6), (COIN, 1.0)])
    positions: list[HoldingRow] = field(default_factory=lambda: [(PERP, 1.0, 19_000.0, 0.0)])
    orders: list[HoldingRow] = field(default_factory=list)
    is_active: bool = True

    def engine(self) -> Engine:
        """Return an engine with this scene; pool 0 holds it."""
        engine = Engine()
        for _ in self.asset_rule:
            engine.add_asset(-1)
        for index in (PERP, FUTURE, SPOT, GEARED):
            expires_ns = self.expires_ns if index == FUTURE else 0
            kind = InstrumentKind.SPOT if index == SPOT else InstrumentKind.PERPETUAL
            engine.add_instrument(DOLLAR, COIN, False, kind, 1.0, 0.0, expires_ns, -1, AGE)
        engine.add_pool(engine.add_account(0), -1)
        if self.is_active:
            activate(engine, self.product, self.asset_rule)
        engine.set_prices(self.prices, self.marks)
        engine.put_pool(0, 0, self.due, self.balances, self.positions, self.orders)
        return engine


def activate(engine: Engine, product: list[int], asset_rule: list[int]) -> None:
    """Activate a program: product 1 wants leverage, assets of rule 1 are capped and limited to half of the pool."""
    tables = Tables(
        [(0.1, 0.0, 0.05, 0.0)],
        [[(0, 1, 0, 0, 0.0, 1e8), (0, 1, 0, 1, 0.0, 0.0)]],
        [(1.0, 0.0), (0.9, 0.0)],
        [(0, 1, INFINITY, 1.0), (1, 1, 50_000.0, 0.5)],
        [[1.5, 1.0]],
        [0],
    )
    engine.activate(tables, product, [AGE] * engine.instrument_count, asset_rule, [0], {})


def accepts(engine: Engine, instrument: int, quantity: float, now: int = NOW) -> bool:
    """Say whether an order of this sort passes, and require a refusal to be whole."""
    accepted, reasons, before, after, largest = engine.check_order(0, instrument, quantity, 0.0, 0.0, False, now)
    if not accepted:
        assert largest == 0.0 or reasons == Reason.INSUFFICIENT_MARGIN
    assert not (accepted and reasons & INVALID_MASK)
    assert not (accepted and not (before.is_valid and after.is_valid))
    return accepted


def check_refused(engine: Engine, reason: Reason, now: int = NOW, *, is_exact: bool = True) -> Assessment:
    """Require the reason bit, an invalid assessment, and that no order passes: to open, to close, elsewhere."""
    found = engine.assess(0, now)
    assert found.flags & reason, Reason(found.flags)
    if is_exact:
        assert found.flags == reason, Reason(found.flags)
    assert not found.is_valid
    for instrument in (PERP, FUTURE, SPOT, GEARED):
        for quantity in (0.001, -0.001, -1.0, 5.0):
            assert not accepts(engine, instrument, quantity, now)
    assert engine.liquidation_price(0, PERP, now, 1.0) is None
    assert engine.what_if(0, now, [(DOLLAR, 1e9)], [], [], []).flags & reason
    batch = Batch(1)
    engine.assess_range(0, 1, now, batch)
    assert not batch.breaching(1), "what cannot be assessed is not judged"
    assert not batch[0].is_valid
    return found


def test_the_scene_is_healthy() -> None:
    """Nothing below is refused for another reason: the unspoiled pool is valid and its orders pass."""
    engine = Scene().engine()
    found = engine.assess(0, NOW)
    assert found.is_valid
    assert found.flags == 0
    assert found.level == 0
    for instrument in (PERP, FUTURE, SPOT):
        assert accepts(engine, instrument, 0.001)
        assert accepts(engine, instrument, -0.001)


def test_no_program() -> None:
    """Without a rulebook nothing is valid; with one the same pool is."""
    engine = Scene(is_active=False).engine()
    check_refused(engine, Reason.NO_RULEBOOK)
    assert engine.holdings(0) == []
    activate(engine, [0, 0, 0, 1], [0, 1, 1])
    assert engine.assess(0, NOW).is_valid


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY])
@pytest.mark.parametrize(
    "place",
    ["due", "plain balance", "capped balance", "second capped balance", "quantity", "entry", "open interest", "spot"],
)
def test_not_finite(place: str, value: float) -> None:
    """A NaN or an infinity anywhere in a pool or its market is found, also where a cap or a limit would hide it."""
    scene = Scene()
    if place == "due":
        scene.due = value
    elif place == "plain balance":
        scene.balances[0] = (DOLLAR, value)
    elif place == "capped balance":
        scene.balances[1] = (COIN, value)
    elif place == "second capped balance":
        scene.balances.append((EXOTIC, value))
    elif place == "quantity":
        scene.positions[0] = (PERP, value, 19_000.0, 0.0)
    elif place == "entry":
        scene.positions[0] = (PERP, 1.0, value, 0.0)
    elif place == "spot":
        scene.positions.append((SPOT, value, 0.0, 0.0))
    else:
        scene.marks[PERP] = (PERP, 20_000.0, NOW, value)
    if math.isinf(value) and "capped" in place and value > 0:
        # Infinitely much of something is at least the cap.
        assert scene.engine().assess(0, NOW).is_valid
        return
    check_refused(scene.engine(), Reason.NOT_FINITE)


def test_overflow() -> None:
    """A product of doubles that overflows is not finite."""
    scene = Scene()
    scene.positions[0] = (PERP, 1e200, 1e200, 0.0)
    check_refused(scene.engine(), Reason.NOT_FINITE)


@pytest.mark.parametrize("mark", [NAN, 0.0, -1.0])
def test_missing_mark(mark: float) -> None:
    """A mark that is absent, not a number, nothing or negative is missing; a position in it is refused."""
    scene = Scene()
    scene.marks[PERP] = (PERP, mark, NOW, 1e6)
    check_refused(scene.engine(), Reason.MISSING_PRICE, is_exact=False)
    scene.marks = scene.marks[1:]
    engine = scene.engine()
    check_refused(engine, Reason.MISSING_PRICE, is_exact=False)
    engine.set_prices([], [(PERP, 20_000.0, NOW, 1e6)])
    assert engine.assess(0, NOW).is_valid


@pytest.mark.parametrize("price", [NAN, 0.0, -1.0])
def test_settlement_without_a_price(price: float) -> None:
    """A position whose settlement asset has no price above nothing is refused: it would ask for nothing."""
    scene = Scene(balances=[(COIN, 1.0)])
    scene.prices[DOLLAR] = (DOLLAR, price, NOW, AGE)
    check_refused(scene.engine(), Reason.MISSING_PRICE, is_exact=False)


def test_missing_asset_price() -> None:
    """An asset never priced spoils balances in it and instruments that settle in it."""
    scene = Scene()
    scene.prices = scene.prices[:1]
    check_refused(scene.engine(), Reason.MISSING_PRICE, is_exact=False)
    scene = Scene(balances=[(COIN, 1.0)])
    scene.prices = scene.prices[1:]
    engine = scene.engine()
    check_refused(engine, Reason.MISSING_PRICE, is_exact=False)
    engine.set_prices([(DOLLAR, 1.0, NOW, AGE)], [])
    assert engine.assess(0, NOW).is_valid


@pytest.mark.parametrize("place", ["mark", "settlement", "balance", "resting order"])
def test_stale_price(place: str) -> None:
    """A price may be used up to its greatest age and not a nanosecond longer."""
    scene, old = Scene(), NOW - 100
    if place == "mark":
        scene.marks[PERP] = (PERP, 20_000.0, old, 1e6)
    elif place == "settlement":
        scene.prices[DOLLAR] = (DOLLAR, 1.0, old, AGE)
        scene.balances = [(COIN, 1.0)]
    elif place == "balance":
        scene.prices[COIN] = (COIN, 20_000.0, old, AGE)
    else:
        scene.marks[SPOT] = (SPOT, 20_000.0, old, 1e6)
        scene.orders = [(SPOT, 0.01, 0.0, 0.0)]
    engine = scene.engine()
    assert engine.assess(0, old + AGE).is_valid
    check_refused(engine, Reason.STALE_PRICE, old + AGE + 1)


@pytest.mark.parametrize("place", ["position", "resting order"])
def test_expired_instrument(place: str) -> None:
    """From the moment of expiry an instrument cannot be held or ordered, however fresh its mark."""
    scene = Scene(expires_ns=NOW + 10)
    if place == "position":
        scene.positions.append((FUTURE, 1.0, 20_000.0, 0.0))
    else:
        scene.orders.append((FUTURE, 1.0, 20_000.0, 0.0))
    engine = scene.engine()
    assert engine.assess(0, NOW + 9).is_valid
    assert accepts(engine, FUTURE, 0.01, NOW + 9)
    check_refused(engine, Reason.EXPIRED_INSTRUMENT, NOW + 10, is_exact=False)


@pytest.mark.parametrize("product", [-1, 2, 1_000])
@pytest.mark.parametrize("place", ["position", "resting order"])
def test_unknown_product(place: str, product: int) -> None:
    """An instrument that no product of the program matches is refused, and known again once one does."""
    scene = Scene(product=[0, product, 0, 1])
    if place == "position":
        scene.positions.append((FUTURE, 1.0, 20_000.0, 0.0))
    else:
        scene.orders.append((FUTURE, 1.0, 20_000.0, 0.0))
    engine = scene.engine()
    check_refused(engine, Reason.UNKNOWN_PRODUCT)
    activate(engine, [0, 0, 0, 1], [0, 1, 1])
    assert engine.assess(0, NOW).is_valid


def test_unknown_collateral() -> None:
    """A balance in an asset without a collateral rule is refused, be it a holding or a debt."""
    for amount in (1.0, -1.0):
        scene = Scene(asset_rule=[0, 1, -1])
        scene.balances.append((EXOTIC, amount))
        check_refused(scene.engine(), Reason.UNKNOWN_COLLATERAL)


@pytest.mark.parametrize("leverage", [0.0, NAN, -3.0, INFINITY])
@pytest.mark.parametrize("place", ["position", "resting order"])
def test_missing_leverage(place: str, leverage: float) -> None:
    """Where IM follows from leverage, a setting that is absent, not a number or not above nothing is refused."""
    scene = Scene()
    if place == "position":
        scene.positions.append((GEARED, 1.0, 20_000.0, leverage))
    else:
        scene.orders.append((GEARED, 1.0, 20_000.0, leverage))
    check_refused(scene.engine(), Reason.MISSING_LEVERAGE)


SPOILED = [
    ("missing", Reason.MISSING_PRICE, FUTURE),
    ("stale", Reason.STALE_PRICE, FUTURE),
    ("expired", Reason.EXPIRED_INSTRUMENT, FUTURE),
    ("unknown", Reason.UNKNOWN_PRODUCT, FUTURE),
    ("leverage", Reason.MISSING_LEVERAGE, GEARED),
]


@pytest.mark.parametrize(("how", "reason", "instrument"), SPOILED)
def test_order_in_a_spoiled_instrument(how: str, reason: Reason, instrument: int) -> None:
    """A valid pool stays valid, and the order that would bring in what cannot be known is refused with the bit."""
    scene = Scene()
    if how == "missing":
        del scene.marks[FUTURE]
    elif how == "stale":
        scene.marks[FUTURE] = (FUTURE, 20_000.0, NOW - AGE - 1, 1e6)
    elif how == "expired":
        scene.expires_ns = NOW
    elif how == "unknown":
        scene.product[FUTURE] = -1
    engine = scene.engine()
    accepted, reasons, before, after, largest = engine.check_order(0, instrument, 0.01, 20_000.0, 0.0, False, NOW)
    assert not accepted
    assert reasons & reason
    assert before.is_valid
    assert not after.is_valid
    assert largest == 0.0
    assert engine.what_if(0, NOW, [], [(instrument, 0.01, 20_000.0, 0.0)], [], []).flags & reason
    assert accepts(engine, PERP, 0.01)


def test_order_that_pays_with_an_unknown_asset() -> None:
    """A purchase of spot that would leave a debt in an asset without a collateral rule is refused."""
    scene = Scene(asset_rule=[-1, 1, 1], balances=[(COIN, 10.0)])
    engine = scene.engine()
    assert engine.assess(0, NOW).is_valid
    accepted, reasons, _, _, _ = engine.check_order(0, SPOT, 0.01, 0.0, 0.0, False, NOW)
    assert not accepted
    assert reasons == Reason.UNKNOWN_COLLATERAL


@pytest.mark.parametrize(
    ("quantity", "price"),
    [(NAN, 1.0), (INFINITY, 1.0), (-INFINITY, 1.0), (0.0, 1.0), (-0.0, 0.0)]
    + [(sign, price) for sign in (1.0, -1.0) for price in (NAN, INFINITY, -INFINITY, -1.0)],
)
def test_order_of_impossible_size(quantity: float, price: float) -> None:
    """An order of no quantity, or with a price or quantity that is no number, is invalid and has no largest size."""
    accepted, reasons, _, _, largest = Scene().engine().check_order(0, PERP, quantity, price, 0.0, False, NOW)
    assert not accepted
    assert reasons == Reason.INVALID_ORDER
    assert largest == 0.0


@pytest.mark.parametrize("price", [NAN, INFINITY])
def test_what_if_with_impossible_prices(price: float) -> None:
    """A scenario with a price that is no number has no valid answer."""
    engine = Scene().engine()
    assert not engine.what_if(0, NOW, [], [], [(PERP, price)], []).is_valid
    assert not engine.what_if(0, NOW, [], [], [], [(DOLLAR, price)]).is_valid
    assert not engine.what_if(0, NOW, [(COIN, math.nan)], [], [], []).is_valid
    assert not engine.what_if(0, NOW, [], [(PERP, math.nan, 1.0, 0.0)], [], []).is_valid


def test_ids_out_of_range() -> None:
    """An id that nothing has is an error and never read as memory."""
    engine = Scene().engine()
    for pool in (-1, 1):
        with pytest.raises(IndexError):
            engine.assess(pool, NOW)
        with pytest.raises(IndexError):
            engine.check_order(pool, PERP, 1.0, 0.0, 0.0, False, NOW)
        with pytest.raises(IndexError):
            engine.what_if(pool, NOW, [], [], [], [])
        with pytest.raises(IndexError):
            engine.liquidation_price(pool, PERP, NOW, 1.0)
    for instrument in (-1, 4):
        with pytest.raises(IndexError):
            engine.check_order(0, instrument, 1.0, 0.0, 0.0, False, NOW)
    for first, count in ((-1, 1), (0, 2), (0, -1), (1, 1)):
        with pytest.raises(IndexError):
            engine.assess_range(first, count, NOW, Batch(2))
    with pytest.raises(IndexError):
        engine.assess_range(0, 1, NOW, Batch(0))
