# SPDX-License-Identifier: Apache-2.0
"""The cheapest grouping of legs into strategies, against an integer program solved by somebody else and by hand."""

from __future__ import annotations

import ctypes
import math
import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import milp

from marginrules._core.core import StrategyGrouping
from marginrules.machine import Field
from tests.core.strategy_book import BOOK, CALL, PUT, STOCK, Held, Known, make, random_book, short_alone

GROUPED, UNCOVERED, UNPRICED, TOO_LARGE = range(4)
NAMES = {known.name: known for known in BOOK}


def close(one: float, other: float) -> bool:
    """Say whether two amounts are the same but for a millionth of a cent on each thousand."""
    return abs(one - other) <= 1e-8 * (1.0 + abs(other))


def shares_of(known: Known, legs: Sequence[int], held: Sequence[Held]) -> dict[int, float]:
    """Return how much of each leg one unit takes."""
    multipliers = [held[leg].multiplier for leg in legs if held[leg].right]
    return {
        leg: ratio * (multipliers[0] if right == STOCK and multipliers else 1.0)
        for (right, _, ratio), leg in zip(known.legs, legs, strict=True)
    }


def reference(made: StrategyGrouping, held: Sequence[Held], book: Sequence[Known]) -> float:
    """Return the cost by another solver; infinite where there is no grouping."""
    priced = [one for one in made.candidates if one[2] != math.inf]
    if not priced:
        return 0.0 if not held else math.inf
    rows = [[0.0] * len(priced) for _ in held]
    for at, (strategy, legs, _) in enumerate(priced):
        for leg, share in shares_of(book[strategy], legs, held).items():
            rows[leg][at] = share
    wanted = [abs(one.quantity) for one in held]
    whole = [int(len(legs) > 1 and made.is_whole) for _, legs, _ in priced]
    done = milp(
        [cost for _, _, cost in priced],
        constraints=(rows, wanted, wanted),
        integrality=whole,
        options={"mip_rel_gap": 0.0},
    )
    return float(done.fun) if done.success else math.inf


def check_groups(made: StrategyGrouping, held: Sequence[Held], book: Sequence[Known], cost: float) -> None:
    """Check that the groups use every contract once, come in whole units, and cost what they should."""
    used: dict[int, float] = defaultdict(float)
    total = 0.0
    for strategy, legs, amount, unit in made.groups:
        assert amount > 0.0
        if made.is_whole and len(legs) > 1:
            assert amount == math.floor(amount)
        total += amount * unit
        for leg, share in shares_of(book[strategy], legs, held).items():
            used[leg] += share * amount
    for leg, one in enumerate(held):
        assert used[leg] == pytest.approx(abs(one.quantity), rel=1e-9, abs=1e-9)
    assert close(total, cost)


prices = st.sampled_from((0.5, 1.0, 2.0, 3.7, 8.11))


@st.composite
def books(draw: st.DrawFn, most: int = 9, fractions: bool = False) -> list[Held]:
    """Draw a few options on few strikes, so that they combine, and sometimes stock."""
    quantity = st.integers(1, 5).map(float)
    if fractions:
        quantity = st.floats(0.1, 5.0).map(lambda x: round(x, 2))
    places = draw(
        st.lists(
            st.tuples(
                st.sampled_from((CALL, PUT)),
                st.sampled_from((90.0, 95.0, 100.0, 105.0)),
                st.sampled_from((30, 60, 300)),
            ),
            min_size=1,
            max_size=most,
            unique=True,
        )
    )
    held = [
        Held(right, draw(st.sampled_from((-1, 1))) * draw(quantity), strike, days, draw(prices))
        for right, strike, days in places
    ]
    if draw(st.booleans()):
        shares = draw(st.sampled_from((50, 100, 250, 300))) * draw(st.sampled_from((-1, 1)))
        held.append(Held(STOCK, shares, mark=100.0, multiplier=1.0))
    return held


def check_least(held: list[Held]) -> None:
    """Check cost and groups of one book against the integer program."""
    made = make(held)
    cost, proven, _, status = made.solve()
    assert proven
    assert status == GROUPED
    assert made.is_whole
    assert close(cost, reference(made, held, BOOK))
    check_groups(made, held, BOOK, cost)


@settings(max_examples=200, deadline=None)
@given(books())
def test_cost_is_the_least(held: list[Held]) -> None:
    """Whole quantities: the integer program has the same least cost, and the groups are a valid grouping."""
    check_least(held)


@pytest.mark.long
@settings(max_examples=5_000, deadline=None)
@given(books(most=12))
def test_cost_is_the_least_of_many(held: list[Held]) -> None:
    """The same for thousands of books."""
    check_least(held)


@settings(max_examples=100, deadline=None)
@given(books(fractions=True))
def test_parts_of_contracts_are_grouped_in_parts(held: list[Held]) -> None:
    """Where one quantity is not whole the linear program has the same least cost."""
    made = make(held)
    cost, proven, _, _ = made.solve()
    assert proven
    assert close(cost, reference(made, held, BOOK))
    check_groups(made, held, BOOK, cost)


@settings(max_examples=100, deadline=None)
@given(books(), st.data())
def test_legs_without_a_strategy_of_their_own(held: list[Held], data: st.DataObject) -> None:
    """A book without naked options groups all of it into combinations, or says that there is no grouping."""
    book = [one for one in BOOK if one.name not in data.draw(st.sets(st.sampled_from([one.name for one in BOOK[:6]])))]
    made = make(held, book)
    cost, proven, _, status = made.solve()
    expected = reference(made, held, book)
    assert proven
    assert status == (UNCOVERED if expected == math.inf else GROUPED)
    if status == GROUPED:
        assert cost == pytest.approx(expected, rel=1e-6, abs=1e-3)
        check_groups(made, held, book, cost)
    else:
        assert math.isnan(cost)


@settings(max_examples=100, deadline=None)
@given(books(), st.sets(st.integers(6, len(BOOK) - 1)))
def test_more_strategies_never_cost_more(held: list[Held], left_out: set[int]) -> None:
    """A strategy added to a book never raises the cost."""
    smaller = [one for at, one in enumerate(BOOK) if at not in left_out]
    few, many = make(held, smaller).solve(), make(held).solve()
    assert many[0] <= few[0] + 1e-8 * (1.0 + abs(few[0]))


@settings(max_examples=100, deadline=None)
@given(books(), st.integers(2, 7))
def test_multiples_cost_no_more_than_multiples(held: list[Held], times: int) -> None:
    """k times the quantities cost at most k times as much."""
    scaled = [Held(**{**one.__dict__, "quantity": one.quantity * times}) for one in held]
    one, many = make(held).solve()[0], make(scaled).solve()[0]
    assert many <= times * one + 1e-8 * (1.0 + abs(times * one))


@settings(max_examples=100, deadline=None)
@given(books(most=14), st.randoms(use_true_random=False))
def test_order_of_legs_changes_no_bit(held: list[Held], rng: random.Random) -> None:
    """The order in which positions stand is no part of the result."""
    shuffled = list(held)
    rng.shuffle(shuffled)
    assert make(held).solve() == make(shuffled).solve()


@settings(max_examples=200, deadline=None)
@given(books(), st.floats(0.0, 20_000.0))
def test_never_above_the_fallback(held: list[Held], fallback: float) -> None:
    """The lesser of grouping and fallback is what is required."""
    alone = make(held).solve()[0]
    assert make(held).solve(fallback)[0] == min(alone, fallback)


@pytest.mark.parametrize("seed", range(10))
def test_large_books(seed: int) -> None:
    """Twenty legs: the integer program has the same least cost."""
    held = random_book(random.Random(seed))  # noqa: S311 - the same books each time
    made = make(held)
    cost, proven, _, _ = made.solve()
    assert proven
    assert close(cost, reference(made, held, BOOK))
    check_groups(made, held, BOOK, cost)


@pytest.mark.parametrize(("nodes", "work", "candidates"), [(0, 0, 16_384), (1, 2_000, 16_384), (5, 10_000, 30)])
def test_cut_search_gives_a_valid_grouping(nodes: int, work: int, candidates: int) -> None:
    """A search that is cut says so, unless it was done; its grouping is valid and costs no less than the bound."""
    for seed in range(20):
        held = random_book(random.Random(seed))  # noqa: S311 - the same books each time
        least = make(held).solve()[0]
        made = make(held, candidates=candidates)
        cost, proven, _, status = made.solve(nodes=nodes, work=work)
        assert status == GROUPED
        assert cost >= least - 1e-6
        assert made.bound <= least
        assert not proven or close(cost, least)
        check_groups(made, held, BOOK, cost)


def test_overlapping_spreads_are_two_spreads() -> None:
    """Long 598, short 603, long 600, short 605 are two spreads of no requirement and never a naked call."""
    held = [
        Held(CALL, quantity, strike, 30, mark, index=600.4)
        for quantity, strike, mark in ((1, 598, 8.11), (-1, 603, 4.85), (1, 600, 6.72), (-1, 605, 3.77))
    ]
    assert make(held).solve()[0] == 0.0
    # Closing one long leg leaves one call naked, at the cheaper of the two ways.
    assert make(held[1:]).solve()[0] == min(short_alone(held[1]), short_alone(held[3]))


def test_ratio_spread_leaves_one_naked() -> None:
    """One long and two short calls are a spread and a naked call."""
    held = [Held(CALL, 1, 100, 30, 3.0), Held(CALL, -2, 105, 30, 1.0)]
    made = make(held)
    assert made.solve()[0] == short_alone(held[1])
    assert sorted(BOOK[strategy].name for strategy, *_ in made.groups) == ["call_spread", "short_call"]


def test_half_a_butterfly_is_none() -> None:
    """A butterfly needs two of its middle; a single one stands alone although half a butterfly would be cheaper."""
    held = [Held(CALL, 1, 95, 30, 6.0), Held(CALL, -1, 100, 30, 3.0), Held(CALL, 1, 105, 30, 1.0)]
    book = [NAMES[name] for name in ("long_call", "short_call", "long_call_butterfly")]
    assert make(held, book).solve()[0] == short_alone(held[1])
    in_parts = [Held(**{**one.__dict__, "quantity": one.quantity * 0.5}) for one in held]
    assert make(in_parts, book).solve()[0] == pytest.approx(0.0)


def test_shares_cover_whole_contracts_only() -> None:
    """250 shares cover two calls; the third is naked."""
    held = [Held(STOCK, 250, mark=100, multiplier=1.0), Held(CALL, -3, 100, 30, 2.0)]
    made = make(held)
    assert made.solve()[0] == pytest.approx(250 * 50 + short_alone(held[1]))


def test_other_multipliers_do_not_combine() -> None:
    """A mini contract is no leg of a spread with a standard one."""
    held = [Held(CALL, 1, 100, 30, 3.0), Held(CALL, -1, 105, 30, 1.0, multiplier=10.0)]
    assert make(held).solve()[0] == short_alone(held[1])


def test_identical_legs_and_flat_legs() -> None:
    """Two rows of one instrument count together, and a row of nothing counts nothing."""
    held = [
        Held(CALL, 1, 100, 30, 3.0),
        Held(CALL, 1, 100, 30, 3.0),
        Held(CALL, -2, 105, 30, 1.0),
        Held(PUT, 0, 90, 30),
    ]
    assert make(held).solve()[:2] == (0.0, True)
    assert make([]).solve()[:2] == (0.0, True)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_what_is_no_number_is_no_requirement(broken: float) -> None:
    """A quantity, a cost or a fallback that is not a number makes the result not a number."""
    held = [Held(CALL, 1, 100, 30, 3.0), Held(CALL, -1, 105, 30, 1.0)]
    for result in (
        make([held[0], Held(CALL, -broken, 105, 30, 1.0)]).solve(),
        make([held[0], Held(CALL, -1, 105, 30, broken)]).solve(),
        make(held).solve(math.nan),
    ):
        assert math.isnan(result[0])
        assert result[3] == UNPRICED
    missing = make([held[0], Held(CALL, -1, 105, math.nan, 1.0)]).solve()
    assert math.isnan(missing[0])


def test_limits_are_refused() -> None:
    """More legs or strategies than there may be, and rows of another shape, are errors."""
    leg = (CALL, 1.0, [0.0] * 8)
    for legs, strategies in (
        ([leg] * 513, []),
        ([leg], [([(CALL, 1, 1)], [], None, None, None)] * 65),
        ([leg, (CALL, 1.0, [0.0] * 7)], []),
        ([leg], [([], [], None, None, None)]),
        ([leg], [([(CALL, 1, 1)] * 5, [], None, None, None)]),
        ([leg], [([(CALL, 1, 1)], [(0, 1, 1, 0)], None, None, None)]),
        ([leg], [([(CALL, 1, 1)], [], (1, [(0, 8)]), None, None)]),
    ):
        with pytest.raises(ValueError, match=r"."):
            StrategyGrouping(legs, strategies)


LaneCode = ctypes.CFUNCTYPE(
    None,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.POINTER(ctypes.c_double)),
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_double),
)


def test_formulas_run_over_lanes() -> None:
    """Conditions and requirements come from a compiled formula: inputs in its order, more candidates than lanes."""
    seen: list[int] = []

    def run(code: int, inputs: ctypes._Pointer, n: int, out: ctypes._Pointer) -> None:  # type: ignore[type-arg]
        seen.append(n)
        for lane in range(n):
            if code == 1:  # a spread's strikes, at most 10 apart
                out[lane] = float(abs(inputs[1][lane] - inputs[0][lane]) <= 10.0)
            elif code == 2:  # its width
                out[lane] = 100.0 * max(inputs[0][lane] - inputs[1][lane], 0.0)
            elif code == 3:  # what a naked call costs
                out[lane] = 100.0 * inputs[0][lane]
            else:
                out[lane] = 0.0

    callback = LaneCode(run)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    held = [Held(CALL, side, 80.0 + 2.0 * k + (side < 0), 30, 50.0) for k in range(20) for side in (1, -1)]
    strike, mark = Field.STRIKE, Field.MARK
    made = StrategyGrouping(
        [(one.right, one.quantity, one.fields()) for one in held],
        [
            ([(CALL, 1, 1)], [], None, (4, []), (4, [])),
            ([(CALL, -1, 1)], [], None, (3, [(0, mark)]), (4, [])),
            (
                [(CALL, -1, 1), (CALL, 1, 1)],
                [],
                (1, [(0, strike), (1, strike)]),
                (2, [(1, strike), (0, strike)]),
                (4, []),
            ),
        ],
        run=address,
    )
    assert max(seen) <= 256
    assert sum(seen) == 400
    assert all(abs(held[legs[0]].strike - held[legs[-1]].strike) <= 10.0 for _, legs, _ in made.candidates)
    made.price_by_code(0)
    assert made.solve()[:2] == (0.0, True)
    made.price_by_code(1)
    assert made.solve()[:2] == (0.0, True)


def test_formula_that_writes_nothing_is_no_number() -> None:
    """A lane that a formula leaves out is not a number, and so is the requirement."""
    callback = LaneCode(lambda *_: None)
    address = ctypes.cast(callback, ctypes.c_void_p).value
    legs = [(CALL, 1.0, [0.0] * 8)]
    made = StrategyGrouping(legs, [([(CALL, 1, 1)], [], None, (1, []), (1, []))], run=address)
    made.price_by_code(0)
    assert math.isnan(made.solve()[0])
    made = StrategyGrouping(legs, [([(CALL, 1, 1)], [], (1, []), (1, []), (1, []))], run=address)
    made.price_by_code(0)
    assert math.isnan(made.solve()[0])
