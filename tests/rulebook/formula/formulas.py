# SPDX-License-Identifier: Apache-2.0
"""Random formulas that are well formed, and random worlds to evaluate them in."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from marginrules.machine import Field
from marginrules.rulebook.formula import Constant, Environment, Scenarios
from marginrules.rulebook.formula.unit import AMOUNT, NUMBER
from tests.rulebook.formula.world import NAN, World

ENVIRONMENT = Environment(
    currency="USDT",
    constants={"share": Constant(0.25, NUMBER), "fee": Constant(3.0, AMOUNT)},
    tables={"charge": 0},
    scenarios={
        "grid": Scenarios(0, ("weight", "price", "volatility")),
        "history": Scenarios(1, ("weight",), is_historical=True),
    },
    strategies={"us": 0},
)
LITERALS = {
    "number": ("0", "1", "0.5", "25%", "2", "share", "250 bps"),
    "amount": ("5 USDT", "fee", "0 USDT"),
    "price": ("3 USDT per contract", "0.5 USDT per contract"),
    "quantity": ("2 contracts", "1 contract"),
    "duration": ("3d", "12h"),
}
OF_POSITIONS = {
    "number": ("right", "multiplier", "delta", "volatility", "years", "leverage", "fx", "inverse"),
    "amount": ("notional", "value", "cost", "unrealized_pnl", "open_interest"),
    "price": ("mark", "index", "strike", "unit_value", "otm", "intrinsic", "entry_price"),
    "quantity": ("quantity", "size", "buy_orders"),
    "duration": ("days",),
}
SINGLE = {"amount": ("lowest_payoff()", "strategy_margin(us, initial)", "strategy_margin(us, maintenance)")}
CONDITIONS = ("is_option", "is_perpetual", "is_spot", "is_future")
KEYS = ("underlying", "expiry", "underlying, expiry")


class Writer:
    """
    Write a formula of a wanted unit and of at most some dimensions.

    Dimensions are letters: P of positions, G of subgroups, S of scenarios.
    """

    def __init__(self, draw: st.DrawFn, table: str, words: dict[str, tuple[str, ...]], keys: tuple[str, ...]) -> None:
        self._draw = draw
        self._table = table
        self._words = words
        self._keys = keys

    def one_of(self, choices: tuple[str, ...]) -> str:
        """Draw one of several words."""
        return self._draw(st.sampled_from(choices))

    def value(self, unit: str, dims: str, key: str, depth: int) -> str:
        """Write a value."""
        makers = [self._leaf] if depth == 0 else [self._leaf, self._sum, self._sum, self._product, self._chosen]
        if depth and "P" not in dims:
            makers += [self._over_positions] * 3
        if depth and "S" not in dims:
            makers += [self._over_scenarios] * 3
        if depth and "P" in dims and unit == "price":
            makers.append(self._priced)
        if depth and unit == "number":
            makers.append(self._number)
        make = self._draw(st.sampled_from(makers))
        return make(unit, dims, key, depth - 1)

    def condition(self, dims: str, key: str, depth: int) -> str:
        """Write a condition."""
        kind = self._draw(st.integers(0, 5 if depth > 0 else 2))
        if kind == 0 and "P" in dims:
            return self.one_of(CONDITIONS)
        if kind < 4:
            unit = self.one_of(("number", "amount", "price"))
            sign = self.one_of(("<", "<=", ">", ">=", "==", "!="))
            sides = [self.value(unit, dims, key, max(depth - 1, 0)) for _ in range(2)]
            return f"({sides[0]} {sign} {sides[1]})"
        if kind == 4:
            return f"(not {self.condition(dims, key, depth - 1)})"
        word = self.one_of(("and", "or"))
        return f"({self.condition(dims, key, depth - 1)} {word} {self.condition(dims, key, depth - 1)})"

    def _leaf(self, unit: str, dims: str, key: str, _: int) -> str:
        choices = LITERALS[unit]
        if "P" in dims:
            choices += self._words[unit] * 2
        else:
            choices += SINGLE.get(unit, ())
        if "G" in dims and unit == "amount":
            choices += (f"lowest_payoff(by {key})", f"total(value by {key})")
        if "S" in dims and unit == "number":
            choices += (
                ("grid.price", "grid.volatility", "grid.weight") if self._table == "grid" else ("history.weight",)
            )
        if "S" in dims and "P" in dims and unit == "number" and self._table == "history":
            choices += ("history.move",) * 4
        if "S" in dims and "P" in dims and unit == "price" and self._table == "grid":
            choices += ("value_at(index * (1 + grid.price))",) * 2
        return self.one_of(choices)

    def _sum(self, unit: str, dims: str, key: str, depth: int) -> str:
        sides = [self.value(unit, dims, key, depth) for _ in range(2)]
        return f"({sides[0]} {self.one_of(('+', '-'))} {sides[1]})"

    def _product(self, unit: str, dims: str, key: str, depth: int) -> str:
        if unit == "amount" and self._draw(st.booleans()):
            sides = [self.value(one, dims, key, depth) for one in ("quantity", "price")]
            return " * ".join(sides if self._draw(st.booleans()) else reversed(sides))
        x, number = self.value(unit, dims, key, depth), self.value("number", dims, key, depth)
        written = {0: f"({x} * {number})", 1: f"({number} * {x})", 2: f"({x} / ({number} + 3.5))", 3: f"-{x}"}
        return written[self._draw(st.integers(0, 3))]

    def _chosen(self, unit: str, dims: str, key: str, depth: int) -> str:
        a, b = (self.value(unit, dims, key, depth) for _ in range(2))
        kind = self._draw(st.integers(0, 5))
        if kind == 5:
            return self.one_of((f"max({a}, 0)", f"min(0, {a}, {b})", f"if({self.condition(dims, key, depth)}, 0, {a})"))
        if kind == 0:
            return f"if({self.condition(dims, key, depth)}, {a}, {b})"
        if kind == 1:
            return f"clamp({a}, {b}, {self.value(unit, dims, key, depth)})"
        if kind == 2:
            if self._draw(st.booleans()):
                part, whole = (self.value("number", dims, key, depth) for _ in range(2))
                return f"{self.one_of(('floor_share', 'ceil_share'))}({a}, {part}, {whole})"
            return self.one_of((f"abs({a})", f"floor({a})", f"ceil({a})", f"round({a})", f"tiered(charge, {a})"))
        return f"{self.one_of(('min', 'max'))}({a}, {b})"

    def _number(self, _: str, dims: str, key: str, depth: int) -> str:
        x = self.value("number", dims, key, depth)
        kind = self._draw(st.integers(0, 6))
        if kind < 4:
            return (f"sqrt({x})", f"exp({x})", f"log({x})", f"normal({x})")[kind]
        if kind == 4:
            return f"power({x}, {self.value('number', dims, key, depth)})"
        unit = self.one_of(("amount", "price", "number"))
        return f"sign({self.value(unit, dims, key, depth)})"

    def _priced(self, _: str, dims: str, key: str, depth: int) -> str:
        price, other = (self.value("price", dims, key, depth) for _ in range(2))
        number = self.value("number", dims, key, depth)
        return self.one_of(
            (
                f"payoff({price})",
                f"value_at({price})",
                f"black_76({price}, years, {number})",
                f"black_scholes({price}, years, {number}, rate, dividend_yield)",
                f"american({price}, years, {number}, rate, dividend_yield)",
                f"({price} * implied_black_76({price}, {other}, years))",
                f"({price} * implied_american({price}, {other}, years, rate, {number}))",
            )
        )

    def _over_positions(self, unit: str, dims: str, key: str, depth: int) -> str:
        if unit == "number" and self._draw(st.booleans()):
            return f"count(({self.condition(dims + 'P', key, depth)}) and multiplier < 99)"
        name = self.one_of(("total", "total", "smallest", "largest"))
        if "G" not in dims and self._draw(st.integers(0, 3)) == 0:
            return f"{name}({self.value(unit, dims + 'G', key, depth)} * total(delta by {key}))"
        by = f" by {key}" if "G" in dims else ""
        if unit == "amount" and "S" in dims and self._draw(st.booleans()):
            return self._portfolio_product(dims, key)
        # Within positions any other key is as good.
        inner = key if by else self.one_of(self._keys)
        x = self.value(unit, dims.replace("G", "") + "PG", inner, depth)
        return f"{name}({x} * multiplier{by})" if self._draw(st.booleans()) else f"{name}(multiplier * {x}{by})"

    def _portfolio_product(self, dims: str, key: str) -> str:
        """Write what a risk array is made for: positions times something prepared."""
        quantity, number = (self.value(unit, "P", key, 1) for unit in ("quantity", "number"))
        array = self.one_of(("value_at(index * (1 + grid.price)) - unit_value", "mark * grid.volatility", "mark"))
        if self._table == "history":
            array = "delta * mark * history.move"
        factor = "delta" if self._table == "history" else "grid.price"
        return self.one_of(
            (
                f"total({quantity} * ({array}) * {factor})",
                f"total(-({number} * {quantity} * ({array}) * {factor}))",
                f"total(({array}) / ({number} + 3.5) * {factor} * {quantity})",
                f"total({factor} * -{quantity} * ({array}) / 2)",
                f"total(1 / ({number} + 3.5) * {factor} * (({array}) * -{quantity}))",
                f"total({quantity} * {factor} * ({array}) / (1 + {'history.move' if dims else '0.5'}))"
                if self._table == "history"
                else f"total({quantity} * (({array}) / (1.5 + grid.price)))",
            )
        )

    def _over_scenarios(self, unit: str, dims: str, key: str, depth: int) -> str:
        x = self.value(unit, dims + "S", key, depth)
        factor = "(1 + grid.price)" if self._table == "grid" else "(1 + history.weight)"
        if self._table == "history" and "P" in dims:
            factor = "(1 - history.move)"
        moved = f"{x} * {factor}"
        share = self.one_of(("1%", "25%", "50%", "99%", "97.5%"))
        return self.one_of(
            (
                f"lowest({moved})",
                f"highest({moved})",
                f"average({moved})",
                f"quantile({moved}, {share})",
                f"tail_mean({moved}, {share})",
                f"worst_loss({moved})",
                f"value_at_risk({moved}, {share})",
                f"expected_shortfall({moved}, {share})",
            )
        )


@st.composite
def formulas(
    draw: st.DrawFn,
    *,
    of_positions: bool = False,
    words: dict[str, tuple[str, ...]] = OF_POSITIONS,
    keys: tuple[str, ...] = KEYS,
) -> str:
    """
    Draw a formula of an amount, single or of positions.

    Args:
        words: what can be read of a position, by unit.
        keys: by what subgroups are told apart.
    """
    writer = Writer(draw, draw(st.sampled_from(("grid", "history"))), words, keys)
    key = draw(st.sampled_from(keys))
    text = writer.value("amount", "PG" if of_positions else "", key, draw(st.integers(1, 5)))
    return text if len(text) < 3_000 else "0"


NUMBERS = st.integers(-64, 64).map(lambda k: k / 8) | st.sampled_from((0.0, 1.0, NAN))
WHOLE = st.integers(-16, 16).map(float)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world of eighths, so that most sums and products are exact."""
    positions, marks = [], []
    for _ in range(draw(st.integers(0, 4))):
        read = {field.name: draw(NUMBERS) for field in Field if field < Field.COLLATERAL}
        read |= {"RIGHT": draw(st.sampled_from((0.0, 1.0, -1.0))), "INVERSE": draw(st.sampled_from((0.0, 1.0)))}
        read |= {"KIND": draw(st.sampled_from((1.0, 2.0, 3.0))), "MULTIPLIER": draw(st.sampled_from((1.0, 0.5, 10.0)))}
        if draw(st.booleans()):
            read |= {name: 1.5 for name, value in read.items() if math.isnan(value)}
        positions.append(read)
        marks.append({name: draw(st.sampled_from(("a", "b"))) for name in ("underlying", "expiry")})
    count = draw(st.integers(1, 5))
    weights = [draw(st.sampled_from((1.0, 1.0, 0.5, 0.25))) for _ in range(count)]
    grid = [weights, *([draw(NUMBERS) / 8 for _ in range(count)] for _ in range(2))]
    length = draw(st.integers(1, 5))
    moves = [[draw(NUMBERS) / 8 for _ in range(length)] for _ in positions]
    return World(
        positions=positions,
        marks=marks,
        columns=[grid, [[1.0] * length]],
        moves={1: moves},
        tiers=[[(0.0, 1.0), (2.0, 0.5), (10.0, 3.0)]],
        pool={field.name: draw(WHOLE) for field in Field if field >= Field.COLLATERAL},
        strategies=[draw(WHOLE), draw(WHOLE)],
    )
