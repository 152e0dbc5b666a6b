# SPDX-License-Identifier: Apache-2.0
"""The core against the exact model: the same worlds, the same amounts, the same decisions."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marginrules._core.core import Assessment, Engine, Tables
from marginrules.codes import INVALID_MASK, InstrumentKind, Reason
from marginrules.terms import LAST_NS, CollateralTerms
from marginrules.units import DAY_NS
from tests.reference import exact
from tests.reference.exact import TOLERANCE, ZERO, Figures, Kind, Limit, Order, Pool, Position, World
from tests.reference.worlds import (
    Change,
    changes,
    order_scenes,
    scenes,
    tables,
)

NOW = 1_000_000_000
AGE = 10**12
UNBOUNDED = 4e14  # the search gives up at 1e15

Row = tuple[float, float, float, float]


def examples(count: int) -> settings:
    """Return settings for that many examples."""
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
    )


# From the exact model to the core: rates become lines, fractions become doubles


def lines_of(product: exact.Product) -> list[Row]:
    """Return the lines whose greatest is the tier table: deduction += floor x (rate - rate before)."""
    rows: list[Row] = []
    for tier in product.tiers:
        floor, initial, maintenance = float(tier.floor), float(tier.initial_rate), float(tier.maintenance_rate)
        if not rows:
            rows.append((initial, 0.0, maintenance, 0.0))
            continue
        last = rows[-1]
        rows.append(
            (initial, last[1] + floor * (initial - last[0]), maintenance, last[3] + floor * (maintenance - last[2]))
        )
    return rows


def credits_of(rule: exact.Collateral) -> list[tuple[float, float]]:
    """Return the lines whose least is the counted value."""
    rows: list[tuple[float, float]] = []
    for floor, share in rule.brackets:
        rate = float(share)
        rows.append((rate, rows[-1][1] + float(floor) * (rows[-1][0] - rate) if rows else 0.0))
    return rows


def terms_of(rule: exact.Collateral, bit: int) -> CollateralTerms | None:
    """Return what is said of an asset beyond its brackets, cap and share; None where that is nothing."""
    rate, floor = rule.volatility or (-exact.ONE, ZERO)
    terms = CollateralTerms(
        liability=float(rule.liability),
        volatility_rate=float(rate),
        volatility_floor=float(floor),
        tenors=tuple((LAST_NS if days is None else days * DAY_NS, float(share)) for days, share in rule.tenors),
        matures_ns=NOW + rule.days_left * DAY_NS if rule.tenors else LAST_NS,
        call_ns=LAST_NS if rule.call_price is None else NOW,
        call_price=math.inf if rule.call_price is None else float(rule.call_price),
        deposits=math.inf if rule.deposits is None else float(rule.deposits),
        borrows=math.inf if rule.borrows is None else float(rule.borrows),
        wrong_way=bit if rule.wrong_way else 0,
        wrong_way_share=float(1 - rule.wrong_way[1]) if rule.wrong_way else 1.0,
        initial_share=1.0 if rule.initial is None else float(1 - rule.initial),
    )
    return None if terms == CollateralTerms() else terms


def wrong_ways_of(world: World) -> list[int]:
    """Return for each instrument the bits of the collateral that is wrong-way to it."""
    return [
        sum(
            1 << index
            for index, rule in enumerate(world.rules.collateral)
            if rule.wrong_way is not None and what.underlying in rule.wrong_way[0]
        )
        for what in world.instruments
    ]


def tables_of(rules: exact.Rules) -> Tables:
    """Return the program tables of exact rules."""
    lines: list[Row] = []
    rows: list[list[tuple[int, int, int, int, float, float]]] = []
    for profile in rules.profiles:
        rows.append([])
        for product in profile:
            made = lines_of(product)
            rows[-1].append(
                (
                    len(lines),
                    len(made),
                    product.ladder,
                    int(product.by_leverage),
                    float(product.open_interest_lower),
                    float(product.open_interest_upper),
                )
            )
            lines += made
    credits_all: list[tuple[float, float]] = []
    collateral: list[tuple[int, int, float, float, CollateralTerms | None]] = []
    for index, rule in enumerate(rules.collateral):
        made_credits = credits_of(rule)
        cap = float("inf") if rule.cap is None else float(rule.cap)
        terms = terms_of(rule, 1 << index)
        collateral.append((len(credits_all), len(made_credits), cap, float(rule.concentration), terms))
        credits_all += made_credits
    ladders = [[float(rung) for rung in ladder] for ladder in rules.ladders]
    return Tables(lines, rows, credits_all, collateral, ladders, list(rules.default_ladders))


def engine_of(world: World) -> Engine:
    """Return an engine with a world's market and program, without pools."""
    engine = Engine()
    for _ in world.assets:
        engine.add_asset(-1)
    for what in world.instruments:
        engine.add_instrument(
            what.settlement,
            what.underlying,
            what.kind is Kind.INVERSE,
            InstrumentKind.SPOT if what.kind is Kind.SPOT else InstrumentKind.PERPETUAL,
            float(what.multiplier),
            float(what.step),
            0,
            -1,
            AGE,
        )
    engine.activate(
        tables_of(world.rules),
        [what.product for what in world.instruments],
        [AGE] * len(world.instruments),
        [asset.rule for asset in world.assets],
        [0],
        {},
        wrong_ways=wrong_ways_of(world),
    )
    engine.set_prices(
        [
            (k, float(one.price), NOW, AGE, float(one.volatility), float(one.deposits), float(one.borrows))
            for k, one in enumerate(world.assets)
        ],
        [(k, float(what.mark), NOW, float(what.open_interest)) for k, what in enumerate(world.instruments)],
    )
    return engine


def put(engine: Engine, pool: Pool, at: int | None = None) -> int:
    """Write a pool into the engine; return its id."""
    index = engine.add_pool(engine.add_account(0), -1) if at is None else at
    engine.put_pool(
        index,
        pool.profile,
        float(pool.due),
        [(asset, float(amount)) for asset, amount in pool.balances],
        [
            (held.instrument, float(lot.quantity), float(lot.price), float(held.leverage))
            for held in pool.positions
            for lot in held.lots
        ],
        [(order.instrument, float(order.quantity), float(order.price), float(order.leverage)) for order in pool.orders],
    )
    engine.set_restriction(index, int(pool.limit))
    return index


def loaded(world: World, pool: Pool) -> tuple[Engine, int]:
    """Return an engine that holds one pool, and the pool's id."""
    engine = engine_of(world)
    return engine, put(engine, pool)


def check_figures(world: World, found: Assessment, expected: Figures) -> None:
    """Require equal amounts, relative to the sum of the absolute terms, and a level the exact margins allow."""
    slack = float(TOLERANCE * expected.gross)
    for name in ("equity", "initial_margin", "maintenance_margin", "collateral_value", "unrealized_pnl"):
        gap = abs(getattr(found, name) - float(getattr(expected, name)))
        assert gap <= slack, (name, getattr(found, name), float(getattr(expected, name)), slack)
    assert found.initial_margin >= 0.0
    assert found.ladder == expected.ladder
    assert found.is_valid == expected.is_usable
    least, greatest = exact.levels(world, expected)
    assert least <= found.level <= greatest


# Amounts


def test_requirement_is_the_sum_of_slices() -> None:
    """Each slice of notional pays its bracket's rate; then open interest, then leverage; IM is never below MM."""
    count = 0

    @examples(2_500)
    @given(tables(), st.integers(1, 400_000), st.integers(0, 100), st.integers(1, 100))
    def check(
        drawn: tuple[exact.Product, exact.Collateral, exact.Collateral],
        notional: int,
        open_interest: int,
        leverage: int,
    ) -> None:
        nonlocal count
        count += 1
        product, _, _ = drawn
        rules = exact.Rules(((product,),), (exact.Collateral(((ZERO, exact.ONE),)),), ((),), (0,))
        one = exact.ONE
        what = exact.Instrument(Kind.LINEAR, 0, 0, one, ZERO, one, Fraction(open_interest * 1_000_000), 0)
        world = World(rules, (exact.Asset(one, 0),), (what,))
        held = Position(0, (exact.Lot(Fraction(notional), one),), Fraction(leverage))
        engine, pool = loaded(world, Pool(positions=(held,)))
        found = engine.assess(pool, NOW)
        initial, maintenance = exact.requirement(product, Fraction(notional), what.open_interest, Fraction(leverage))
        assert abs(found.initial_margin - initial) <= TOLERANCE * notional
        assert abs(found.maintenance_margin - maintenance) <= TOLERANCE * notional
        assert found.initial_margin >= found.maintenance_margin
        (row,) = engine.holdings(pool)
        assert row == (0, notional, notional, 0.0, found.initial_margin, found.maintenance_margin)

    check()
    assert count >= 2_500


def test_collateral_counts_by_value() -> None:
    """A holding counts after its haircuts, up to the cap and the concentration limit; a debt by its weight."""
    count = 0

    @examples(2_000)
    @given(tables(), st.integers(-50_000, 400_000), st.integers(-50_000, 400_000))
    def check(
        drawn: tuple[exact.Product, exact.Collateral, exact.Collateral],
        first: int,
        second: int,
    ) -> None:
        nonlocal count
        count += 1
        _, one, other = drawn
        product = exact.Product((exact.Tier(ZERO, ZERO, ZERO),), 0)
        rules = exact.Rules(((product,),), (one, other), ((),), (0,))
        noisy = {"volatility": Fraction(0.4), "deposits": Fraction(1_500_000), "borrows": Fraction(600_000)}
        world = World(rules, (exact.Asset(exact.ONE, 0, **noisy), exact.Asset(Fraction(2), 1, **noisy)), ())
        pool = Pool(balances=((0, Fraction(first)), (1, Fraction(second, 2))))
        engine, index = loaded(world, pool)
        expected, gross = exact.collateral_of(world, pool)
        found = engine.assess(index, NOW)
        assert abs(found.collateral_value - expected) <= TOLERANCE * gross
        assert found.equity == found.collateral_value

    check()
    assert count >= 2_000


def test_pool_figures_and_level() -> None:
    """Equity, IM, MM and the level of a mixed pool are those of the exact model; so are the sums over holdings."""
    seen: Counter[str] = Counter()

    @examples(2_500)
    @given(scenes())
    def check(scene: tuple[World, Pool]) -> None:
        world, pool = scene
        engine, index = loaded(world, pool)
        found = engine.assess(index, NOW)
        expected = exact.assess(world, pool)
        check_figures(world, found, expected)
        rows = engine.holdings(index)
        assert len(rows) == len(pool.positions)
        slack = float(TOLERANCE * expected.gross)
        assert abs(sum(row[5] for row in rows) - found.maintenance_margin) <= slack
        seen["all"] += 1
        seen["breached"] += found.level > 0
        seen["healthy"] += found.level == 0
        seen["below initial margin"] += found.equity < found.initial_margin
        for held in pool.positions:
            seen[world.instruments[held.instrument].kind.value] += 1

    check()
    assert seen["all"] >= 2_500
    assert min(seen.values()) >= 50, seen


# Decisions


def note_of(reasons: int) -> str:
    """Return the names of reason bits as one word."""
    return "|".join(Reason(reasons).names) or "COVERED"


def test_order_decision() -> None:
    """An order passes within IM at the worse of the two fills, or when it is not riskier; limits come first."""
    seen: Counter[str] = Counter()

    @examples(3_000)
    @given(order_scenes())
    def check(scene: tuple[World, Pool, Order]) -> None:
        world, pool, order = scene
        engine, index = loaded(world, pool)
        accepted, reasons, before, after, _ = engine.check_order(
            index,
            order.instrument,
            float(order.quantity),
            float(order.price),
            float(order.leverage),
            order.reduce_only,
            NOW,
            False,
        )
        expected = exact.decide(world, pool, order)
        seen["all"] += 1
        check_figures(world, before, expected.before)
        if expected.accepted is None:
            seen["too near to call"] += 1
            return
        assert accepted == expected.accepted
        check_figures(world, after, expected.after)
        assert not reasons & INVALID_MASK
        seen[note_of(reasons)] += 1
        if accepted and expected.is_covered is not None:
            assert (reasons == 0) == expected.is_covered
        if pool.limit is Limit.BLOCKED:
            assert reasons == Reason.POOL_BLOCKED
        elif not accepted:
            assert reasons in (Reason.WOULD_NOT_REDUCE, Reason.POOL_REDUCE_ONLY, Reason.INSUFFICIENT_MARGIN)

    check()
    assert seen["all"] >= 3_000
    for word in ("COVERED", "RISK_NOT_RAISED", "INSUFFICIENT_MARGIN", "WOULD_NOT_REDUCE", "POOL_REDUCE_ONLY"):
        assert seen[word] >= 20, seen
    assert seen["too near to call"] <= seen["all"] // 5, seen


def test_largest_quantity() -> None:
    """The largest quantity passes when it is tried, is a multiple of the step, and a little more does not pass."""
    seen: Counter[str] = Counter()

    @examples(900)
    @given(order_scenes())
    def check(scene: tuple[World, Pool, Order]) -> None:
        world, pool, order = scene
        engine, index = loaded(world, pool)

        def tried(quantity: Fraction) -> tuple[bool, float]:
            made = engine.check_order(
                index,
                order.instrument,
                float(quantity),
                float(order.price),
                float(order.leverage),
                order.reduce_only,
                NOW,
            )
            return made[0], made[4]

        accepted, answer = tried(order.quantity)
        seen["all"] += 1
        if pool.limit is Limit.BLOCKED:
            assert answer == 0.0
            return
        sign = 1 if order.quantity > 0 else -1
        step = world.instruments[order.instrument].step
        if answer > 0.0:
            assert tried(sign * Fraction(answer))[0]
            assert exact.decide(world, pool, replace(order, quantity=sign * Fraction(answer))).accepted is not False
        if accepted and answer < UNBOUNDED and not step and exact.assess(world, pool).equity > 0:
            assert answer >= abs(order.quantity)
        if step and answer < UNBOUNDED:
            assert abs(answer / float(step) - round(answer / float(step))) <= 1e-9 * max(answer / float(step), 1.0)
        if exact.assess(world, pool).equity <= 0 or answer >= UNBOUNDED:
            seen["no edge"] += 1
            return
        more = Fraction(answer) + max(step, Fraction(answer) / 10**6, abs(order.quantity) / 10**6)
        verdict = exact.decide(world, pool, replace(order, quantity=sign * more))
        assert verdict.accepted is not True, (answer, float(more))
        seen["edge"] += verdict.accepted is False
        seen["positive"] += answer > 0.0

    check()
    assert seen["all"] >= 900
    assert seen["edge"] >= 200, seen
    assert seen["positive"] >= 200, seen


# What if


def test_what_if() -> None:
    """Deposits, fills and moves give the figures of a pool that had them; the pool itself is left alone."""
    count = 0

    @examples(1_200)
    @given(changes())
    def check(change: Change) -> None:
        nonlocal count
        count += 1
        world, pool, moved = change.world, change.pool, change.moved
        engine, index = loaded(world, pool)
        found = engine.what_if(
            index,
            NOW,
            [(asset, float(amount)) for asset, amount in change.deposits],
            [(one.instrument, float(one.quantity), 0.0, float(one.leverage)) for one in change.fills],
            [
                (k, float(what.mark))
                for k, what in enumerate(moved.instruments)
                if what.mark != world.instruments[k].mark
            ],
            [(k, float(a.price)) for k, a in enumerate(moved.assets) if a.price != world.assets[k].price],
        )
        changed = pool
        for asset, amount in change.deposits:
            changed = exact.deposit(changed, asset, amount)
        orders = changed.orders
        for one in change.fills:
            changed = exact.fill(moved, changed, one)
        check_figures(moved, found, exact.assess(moved, replace(changed, orders=orders)))
        check_figures(world, engine.assess(index, NOW), exact.assess(world, pool))

    check()
    assert count >= 1_200


# Liquidation price


def test_liquidation_price() -> None:
    """At the returned mark equity is ratio x MM, all else unchanged; where there is none, no mark gives that."""
    seen: Counter[str] = Counter()

    @examples(900)
    @given(scenes(), st.sampled_from([1.0, 1.0, 0.5, 1.3]))
    def check(scene: tuple[World, Pool], ratio: float) -> None:
        world, pool = scene
        engine, index = loaded(world, pool)
        seen["all"] += 1

        def margin(factor: Fraction, instrument: int) -> tuple[Fraction, Fraction]:
            figures = exact.assess(exact.scaled(world, instrument, factor), pool)
            # The last bit of a mark moves every term that hangs on it.
            return figures.equity - Fraction(ratio) * figures.maintenance_margin, TOLERANCE * figures.gross

        for held in pool.positions:
            mark = world.instruments[held.instrument].mark
            found = engine.liquidation_price(index, held.instrument, NOW, ratio)
            if found is not None:
                gap, slack = margin(Fraction(found) / mark, held.instrument)
                assert abs(gap) <= slack, (float(gap), float(slack), found)
                seen["found"] += 1
                continue
            seen["none"] += 1
            here, slack = margin(exact.ONE, held.instrument)
            for power in (1, 3, 6, 10, 20, 40, 80):
                for base in (0.9, 1 / 0.9):
                    there, slack_there = margin(Fraction(base) ** power, held.instrument)
                    crosses = (here > slack and there < -slack_there) or (here < -slack and there > slack_there)
                    assert not crosses, (held.instrument, base, power, float(here), float(there))

    check()
    assert seen["all"] >= 900
    assert min(seen.values()) >= 50, seen


def test_profiles_and_marks_survive_the_switch() -> None:
    """After `activate` each pool follows its class, or its account's own profile, in the new program."""
    count = 0

    @examples(400)
    @given(scenes())
    def check(scene: tuple[World, Pool]) -> None:
        nonlocal count
        count += 1
        world, pool = scene
        engine = engine_of(world)
        plain, special = put(engine, pool), put(engine, pool)
        turned = replace(world, rules=replace(world.rules, profiles=world.rules.profiles[::-1]))
        engine.activate(
            tables_of(turned.rules),
            [what.product for what in world.instruments],
            [AGE] * len(world.instruments),
            [asset.rule for asset in world.assets],
            [1],
            {1: 0},
            wrong_ways=wrong_ways_of(turned),
        )
        check_figures(turned, engine.assess(plain, NOW), exact.assess(turned, replace(pool, profile=1)))
        check_figures(turned, engine.assess(special, NOW), exact.assess(turned, replace(pool, profile=0)))

    check()
    assert count >= 400


def test_changes_in_place() -> None:
    """A pool brought to its content by single changes has the figures of one that was put at once."""
    count = 0

    @examples(400)
    @given(scenes(), st.booleans())
    def check(scene: tuple[World, Pool], is_full: bool) -> None:
        nonlocal count
        count += 1
        world, pool = scene
        first = [(Position(k, (exact.Lot(exact.ONE, exact.ONE),), exact.ONE)) for k in range(len(world.instruments))]
        engine, index = loaded(world, Pool(pool.profile, pool.due, (), tuple(first) if is_full else (), pool.orders))
        kept = {held.instrument: held for held in pool.positions}
        for k in range(len(world.instruments)):
            held = kept.get(k, Position(k, (exact.Lot(ZERO, ZERO),)))
            (lot,) = held.lots
            engine.set_position(index, k, float(lot.quantity), float(lot.price), float(held.leverage))
        for asset, amount in pool.balances:
            engine.add_balance(index, asset, float(amount) / 2)
            engine.add_balance(index, asset, float(amount) / 2)
        check_figures(world, engine.assess(index, NOW), exact.assess(world, pool))
        engine.put_orders(index, [])
        check_figures(world, engine.assess(index, NOW), exact.assess(world, replace(pool, orders=())))
        _, _, positions = engine.pool_content(index)
        assert sorted(row[0] for row in positions) == sorted(kept)

    check()
    assert count >= 400


# Boundaries, in numbers that doubles hold exactly


def binary_pool(cash: float, quantity: float, initial: float = 0.25, maintenance: float = 0.125) -> tuple[Engine, int]:
    """Return an engine with a linear instrument at mark 64 and ladder 2, 1, 0.5, and a pool long since mark 64."""
    tables = Tables(
        [(initial, 0.0, maintenance, 0.0)],
        [[(0, 1, 0, 0, 0.0, 0.0)]],
        [(1.0, 0.0)],
        [(0, 1, 1e15, 1.0)],
        [[2.0, 1.0, 0.5]],
        [0],
    )
    engine = Engine()
    engine.add_asset(-1)
    engine.add_instrument(0, 0, False, InstrumentKind.PERPETUAL, 1.0, 0.0, 0, -1, AGE)
    engine.activate(tables, [0], [AGE], [0], [0], {})
    engine.set_prices([(0, 1.0, NOW, AGE)], [(0, 64.0, NOW, 0.0)])
    pool = engine.add_pool(engine.add_account(0), -1)
    engine.put_pool(pool, 0, 0.0, [(0, cash)], [(0, quantity, 64.0, 0.0)] if quantity else [], [])
    return engine, pool


def test_a_threshold_reached_exactly_is_kept() -> None:
    """Equity equal to threshold x MM does not breach the threshold; one bit less does."""
    for level, threshold in enumerate((2.0, 1.0, 0.5)):
        for held in (16.0, -16.0):
            required = 16.0 * 64.0 * 0.125
            engine, pool = binary_pool(threshold * required, held)
            assert engine.assess(pool, NOW).level == level
            engine, pool = binary_pool(math.nextafter(threshold * required, 0.0), held)
            assert engine.assess(pool, NOW).level == level + 1


def test_initial_margin_met_exactly_is_accepted() -> None:
    """Equity equal to IM with the order accepts it; one bit less refuses it."""
    for quantity in (8.0, -8.0):
        required = 8.0 * 64.0 * 0.25
        engine, pool = binary_pool(required, 0.0)
        accepted, reasons, _, _, largest = engine.check_order(pool, 0, quantity, 0.0, 0.0, False, NOW)
        assert (accepted, reasons, largest) == (True, 0, 8.0)
        engine, pool = binary_pool(math.nextafter(required, 0.0), 0.0)
        accepted, reasons, _, _, largest = engine.check_order(pool, 0, quantity, 0.0, 0.0, False, NOW)
        assert (accepted, reasons) == (False, Reason.INSUFFICIENT_MARGIN)
        assert 7.999 < largest < 8.0


def test_a_fill_that_changes_nothing_is_not_riskier() -> None:
    """Below IM, turning a position over at the mark keeps MM and equity and passes; a bit more quantity does not."""
    engine, pool = binary_pool(150.0, 16.0)
    accepted, reasons, _, after, _ = engine.check_order(pool, 0, -32.0, 0.0, 0.0, False, NOW)
    assert (accepted, reasons) == (True, Reason.RISK_NOT_RAISED)
    assert (after.equity, after.maintenance_margin) == (150.0, 128.0)
    for quantity in (math.nextafter(-32.0, -64.0), 2.0**-40):
        accepted, reasons, _, _, _ = engine.check_order(pool, 0, quantity, 0.0, 0.0, False, NOW)
        assert (accepted, reasons) == (False, Reason.INSUFFICIENT_MARGIN)


def test_reduce_only_may_close_exactly() -> None:
    """A reduce-only order may close the position to the last bit, together with resting orders, and not go beyond."""
    engine, pool = binary_pool(1e6, 16.0)
    assert engine.check_order(pool, 0, -16.0, 0.0, 0.0, True, NOW)[0]
    assert not engine.check_order(pool, 0, math.nextafter(-16.0, -17.0), 0.0, 0.0, True, NOW)[0]
    engine.put_orders(pool, [(0, -4.0, 64.0, 0.0), (0, 5.0, 64.0, 0.0)])
    accepted, _, _, _, largest = engine.check_order(pool, 0, -12.0, 0.0, 0.0, True, NOW)
    assert accepted
    assert abs(largest - 12.0) < 1e-14
    accepted, reasons, _, _, _ = engine.check_order(pool, 0, -12.5, 0.0, 0.0, True, NOW)
    assert (accepted, reasons) == (False, Reason.WOULD_NOT_REDUCE)


def test_initial_margin_is_never_below_maintenance() -> None:
    """Where a table asks more to keep a position than to open it, opening asks as much."""
    engine, pool = binary_pool(1e6, 16.0, initial=0.0625, maintenance=0.125)
    found = engine.assess(pool, NOW)
    assert found.initial_margin == found.maintenance_margin == 128.0
    after = engine.check_order(pool, 0, 16.0, 0.0, 0.0, False, NOW)[3]
    assert after.initial_margin == after.maintenance_margin == 256.0


# Largest quantities that a search may lose itself in


def one_perpetual(step: float, mark: float, cash: float, quantity: float, entry: float) -> tuple[Engine, int]:
    """Return an engine with one linear instrument at 10 % IM and 5 % MM, and a pool with one position."""
    tier = exact.Tier(ZERO, Fraction(0.1), Fraction(0.05))
    product = exact.Product((tier,), 0)
    rules = exact.Rules(((product,),), (exact.Collateral(((ZERO, exact.ONE),)),), ((),), (0,))
    what = exact.Instrument(Kind.LINEAR, 0, 0, exact.ONE, Fraction(step), Fraction(mark), ZERO, 0)
    held = (Position(0, (exact.Lot(Fraction(quantity), Fraction(entry)),)),) if quantity else ()
    world = World(rules, (exact.Asset(exact.ONE, 0),), (what,))
    return loaded(world, Pool(balances=((0, Fraction(cash)),), positions=held))


def test_largest_quantity_of_more_steps_than_a_double_counts() -> None:
    """Where one step is less than the last bit of the answer, the search ends, near the edge."""
    engine, pool = one_perpetual(step=1e-8, mark=1e-6, cash=1e6, quantity=0.0, entry=0.0)
    largest = engine.check_order(pool, 0, 1.0, 0.0, 0.0, False, NOW)[4]
    assert 0.999999e13 <= largest <= 1e13
    assert engine.check_order(pool, 0, largest, 0.0, 0.0, False, NOW, False)[0]


def test_largest_quantity_where_only_an_island_passes() -> None:
    """Where nothing but a sliver between two steps passes, the search ends and does not answer what would not pass."""
    held = 1000.00000025
    engine, pool = one_perpetual(step=1e-6, mark=1.0, cash=-1e5, quantity=held, entry=1.0)
    accepted, reasons, _, _, largest = engine.check_order(pool, 0, -2 * held, 1.00000001, 0.0, False, NOW)
    assert accepted
    assert reasons == Reason.RISK_NOT_RAISED
    assert largest == 0.0 or engine.check_order(pool, 0, -largest, 1.00000001, 0.0, False, NOW, False)[0]
