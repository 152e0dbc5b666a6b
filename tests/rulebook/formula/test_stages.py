# SPDX-License-Identifier: Apache-2.0
"""Where things are calculated: what is prepared, what is fused, and in what order the stages come."""

from __future__ import annotations

import pytest

from marginrules.machine import Code, Field, Key, Op, Place, StageKind
from marginrules.rulebook.formula.vocabulary import EVERY_FIELD, FUNCTIONS, LEG_FIELDS
from tests.rulebook.formula import reading


def code_of(text: str) -> Code:
    """Return the code of a portfolio that is well formed."""
    code, found = reading.portfolio(text, per_position=True)
    assert code is not None, reading.shown(found)
    return code


def test_what_depends_on_the_market_alone_is_prepared() -> None:
    """A check sums risk arrays; values at moved prices are calculated once per market change."""
    code = code_of("initial: worst_loss(total(quantity * (value_at(index * (1 + grid.price)) - unit_value)))")
    assert reading.stages(code) == [
        "INSTRUMENT",
        "INSTRUMENT_SCENARIO",
        "SCALAR",
        "POSITION",
        "POSITION_SCENARIO",
        "SCENARIO",
        "SCALAR",
    ]
    lines = reading.written(code)
    assert lines[lines.index("POSITION") :] == [
        "POSITION",
        "  POSITION:0 = LOAD QUANTITY",
        "POSITION_SCENARIO table 0",
        "  SCENARIO:3 = TOTAL_PRODUCT POSITION:0 ARRAY:0",
        "SCENARIO table 0",
        "  SCALAR:1 = LOWEST SCENARIO:3",
        "SCALAR",
        "  SCALAR:2 = NEGATE SCALAR:1",
        "  SCALAR:3 = GREATEST SCALAR:2 0",
    ]
    assert code.arrays == (0,)
    assert code.fields == (
        Field.STRIKE,
        Field.RIGHT,
        Field.MULTIPLIER,
        Field.INVERSE,
        Field.FX,
        Field.UNIT_VALUE,
        Field.INDEX,
        Field.QUANTITY,
    )


def test_only_what_leaves_the_stage_has_a_register() -> None:
    """Of an instrument's calculation only the result is kept."""
    code = code_of("initial: total(abs(quantity) * max(15% * index - otm, 10% * index))")
    assert reading.written(code) == [
        "INSTRUMENT",
        "  LANES:0 = LOAD INDEX",
        "  LANES:1 = MULTIPLY 0.15 LANES:0",
        "  LANES:2 = LOAD STRIKE",
        "  LANES:3 = SUBTRACT LANES:0 LANES:2",
        "  LANES:2 = LOAD RIGHT",
        "  LANES:4 = NEGATE LANES:2",
        "  LANES:2 = MULTIPLY LANES:4 LANES:3",
        "  LANES:3 = GREATEST LANES:2 0",
        "  LANES:2 = SUBTRACT LANES:1 LANES:3",
        "  LANES:3 = MULTIPLY 0.1 LANES:0",
        "  INSTRUMENT:0 = GREATEST LANES:2 LANES:3",
        "SCALAR",
        "  SCALAR:0 = COPY 0",
        "POSITION",
        "  LANES:0 = LOAD QUANTITY",
        "  LANES:1 = ABSOLUTE LANES:0",
        "  LANES:0 = GATHER_INSTRUMENT INSTRUMENT:0",
        "  LANES:2 = MULTIPLY LANES:1 LANES:0",
        "  SCALAR:1 = TOTAL LANES:2",
    ]
    assert code.registers[Place.LANES] == 5
    assert code.outputs == (Place.SCALAR << 20 | 1, Place.SCALAR << 20)


@pytest.mark.parametrize(
    "text",
    [
        "total(quantity * mark * history.move)",
        "total(history.move * mark * quantity)",
        "total(3 * quantity * delta * mark * (history.move / 2))",
        "total(-(quantity * mark) * history.move)",
        "total(-(quantity * mark * history.move))",
        "total(history.move * quantity / 7 * mark)",
        "total(history.move / (1 + abs(quantity) / 1 contract) * cost)",
        "total(history.move * mark * (quantity * exp(history.move)))",
        "total(quantity * history.weight * mark)",
    ],
)
def test_positions_times_prepared_is_one_operation(text: str) -> None:
    """However a product is written, what is of positions is multiplied first, and the sum is one operation."""
    code = code_of(f"initial: worst_loss({text})")
    (stage,) = [one for one in code.stages if one.kind is StageKind.POSITION_SCENARIO]
    assert [Op(one[0]) for one in stage.instructions] == [Op.TOTAL_PRODUCT]
    scalar, array = (Place(one >> 20) for one in stage.instructions[0][2])
    assert scalar is Place.POSITION
    assert array is Place.ARRAY


@pytest.mark.parametrize(
    "text",
    [
        "total(max(value * history.move, 0))",
        "total(quantity * mark * history.move by expiry) * 1",
        "total(value * history.weight)",
        "total(value / (1 + value * history.move / 1 USDT))",
        "smallest(value * history.move)",
    ],
)
def test_other_sums_over_scenarios_are_not_fused(text: str) -> None:
    """What is no product of both is calculated lane by lane."""
    code = code_of(f"initial: total(worst_loss({text}) + 0 * value)")
    assert Op.TOTAL_PRODUCT not in {one[0] for stage in code.stages for one in stage.instructions}


def test_sum_of_what_is_prepared_alone_needs_no_factor() -> None:
    """One of each instrument is summed as it is."""
    lines = reading.written(code_of("initial: worst_loss(total(open_interest * history.move))"))
    assert "  SCENARIO:4097 = TOTAL ARRAY:0" in lines


def test_dependent_sums_come_in_turn() -> None:
    """A stage over positions that needs a sum comes after it; all that can be summed at once is."""
    code = code_of("initial: total(if(value > total(value) / 10, value, 0)) + total(cost) + largest(notional)")
    kinds = reading.stages(code)
    assert kinds == ["INSTRUMENT", "SCALAR", "POSITION", "SCALAR", "POSITION", "SCALAR"]
    first, second = (one for one in code.stages if one.kind is StageKind.POSITION)
    assert [Op(one[0]) for one in first.instructions if one[0] >= Op.TOTAL] == [Op.TOTAL, Op.TOTAL, Op.LARGEST]
    assert [Op(one[0]) for one in second.instructions if one[0] >= Op.TOTAL] == [Op.TOTAL]
    # What the first calculates on its way is kept for the second, which only reads it.
    assert Op.LOAD not in {one[0] for one in second.instructions}


def test_subgroups_have_stages_and_registers_of_their_key() -> None:
    """Values by one key live beside each other; each key has numbers of its own."""
    code = code_of("initial: total(abs(total(value by expiry))) + total(abs(total(value by underlying, expiry)))")
    assert code.keys == (int(Key.EXPIRY), int(Key.UNDERLYING | Key.EXPIRY))
    lines = reading.written(code)
    assert [line for line in lines if line.startswith("  GROUP")] == [
        "  GROUP:0 = TOTAL LANES:2 0",
        "  GROUP:256 = TOTAL LANES:2 1",
    ]
    assert [line for line in lines if line.startswith("GROUP")] == ["GROUP key 0", "GROUP key 1"]


def test_values_over_scenarios_are_calculated_again_where_they_are_needed() -> None:
    """A stage over positions and scenarios reads sums of subgroups and recalculates what is made of them."""
    code = code_of(
        "initial: worst_loss(total(max(value * grid.price - max(total(value * grid.price by expiry), 0), 0)))"
    )
    second = [one for one in code.stages if one.kind is StageKind.POSITION_SCENARIO][1]
    places = {Place(arg >> 20) for one in second.instructions for arg in one[2]}
    assert Place.GROUP_SCENARIO in places
    assert StageKind.GROUP_SCENARIO not in {one.kind for one in code.stages}


def test_constants_are_folded() -> None:
    """What is known is calculated when the rulebook is read; what is not exact is left to the machine."""
    lines = reading.written(code_of("initial: (1 + 2) * 3 USDT - max(1 USDT, 4 USDT) * if(2 > 1, 1, 0)"))
    assert lines == ["SCALAR", "  SCALAR:0 = COPY 5", "  SCALAR:1 = COPY 0"]
    lines = reading.written(code_of("initial: exp(1 + 1) * 1 USDT"))
    assert "  SCALAR:0 = EXPONENTIAL 2" in lines


def test_the_same_is_calculated_once() -> None:
    """Whatever is written twice, in definitions or not, is one value."""
    text = "define:\n  a: notional * 5%\ninitial: total(a) + total(notional * 5%)\nmaintenance: total(a)"
    code = code_of(text)
    assert sum(one[0] == Op.TOTAL for stage in code.stages for one in stage.instructions) == 1


def test_share_of_the_tail_is_exact() -> None:
    """99% leaves 1%, not 1% and the last bit of a double, which would fall on the next scenario."""
    assert 0.01 in code_of("initial: value_at_risk(total(value * grid.price), 99%)").constants
    assert 0.025 in code_of("initial: expected_shortfall(total(value * grid.price), 97.5%)").constants


def test_inputs_and_fields_are_named() -> None:
    """Code says what it reads: inputs in the caller's order, fields, and whether it adds open orders by itself."""
    code, _ = reading.figure(
        "value: total(value * grid.price * closed by expiry) + 0 * equity",
        "pool",
        {"price": "price", "closed": "number"},
    )
    assert code is None
    code, _ = reading.figure("value: equity + closed * cost", given={"price": "price", "closed": "number"})
    assert code is not None
    assert code.inputs == ("price", "closed")
    assert code.fields == (Field.COST, Field.EQUITY)
    assert not code.uses_orders
    assert code_of("initial: buy_orders_value").uses_orders
    given, _ = reading.figure("value: worst_loss(closed * total(value * grid.price))", "pool", {"closed": "number"})
    assert given is not None
    assert any(line.endswith("COPY INPUT:0") for line in reading.written(given))


def test_figure_of_each_scenario() -> None:
    """A figure may be one value for each scenario; positions are summed first, subgroups are refused."""
    for text, of in (
        ("value: 2 * total(value * grid.price)", "portfolio"),
        ("value: grid.price", "pool"),
        ("value: value * grid.price", "position"),
    ):
        code, found = reading.figure(text, of)
        assert not found
        assert code is not None
        assert code.outputs[0] >> 20 == Place.SCENARIO
    _, found = reading.figure("value: total(value * grid.price by expiry)", "portfolio")
    assert [one.code for one in found] == ["MR-R405"]
    _, found = reading.portfolio("initial: total(value * grid.price)")
    assert [one.code for one in found] == ["MR-R405"]


def test_legs_are_inputs_of_one_stage() -> None:
    """The formula of a strategy is one stage that reads `leg.field`."""
    code, _ = reading.leg("max(short.strike - long.strike, 0) + short.years * long.mark")
    assert code is not None
    assert code.inputs == ("short.strike", "long.strike", "short.days", "long.mark")
    assert reading.written(code) == [
        "SCALAR",
        "  SCALAR:0 = SUBTRACT INPUT:0 INPUT:1",
        "  SCALAR:1 = GREATEST SCALAR:0 0",
        "  SCALAR:2 = DIVIDE INPUT:2 365",
        "  SCALAR:3 = MULTIPLY SCALAR:2 INPUT:3",
        "  SCALAR:4 = ADD SCALAR:1 SCALAR:3",
    ]


def test_pool_keeps_what_it_says_nothing_of() -> None:
    """Without a formula, what came in goes out."""
    code, _ = reading.pool("initial: max(initial, equity * 10%)")
    assert code is not None
    loads = {to: Field(extra) for stage in code.stages for op, to, _, extra in stage.instructions if op == Op.LOAD}
    assert loads[code.outputs[1]] is Field.MAINTENANCE


def test_profit_of_the_pool_and_of_a_position() -> None:
    """In formulas of the pool, unrealized_pnl is the pool's; elsewhere the position's."""
    of_pool, _ = reading.pool("initial: -unrealized_pnl")
    of_position, _ = reading.figure("value: unrealized_pnl")
    assert of_pool is not None
    assert of_position is not None
    assert Field.UNREALIZED_PNL in of_pool.fields
    assert Field.UNREALIZED_PNL not in of_position.fields


def test_every_word_has_a_sentence() -> None:
    """Fields and functions are documented in one sentence each; legs name fields of instruments."""
    for word in (*EVERY_FIELD.values(), *FUNCTIONS.values()):
        assert word.doc[0].isupper() or word.doc[0].islower() or word.doc[0].isdigit()
        assert word.doc.endswith(".")
    assert set(LEG_FIELDS) <= set(EVERY_FIELD)
    assert FUNCTIONS["total"].signature("total") == "total(x by KEY)"
    assert FUNCTIONS["lowest_payoff"].signature("lowest_payoff") == "lowest_payoff(by KEY)"
