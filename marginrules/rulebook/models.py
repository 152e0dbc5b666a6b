# SPDX-License-Identifier: Apache-2.0
"""
Margin models of a checked rulebook to what the core's register machine runs.

Everything is laid out in the order of names, so that the order of the text has no meaning; formulas that mean the same
share one program.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from marginrules.limits import FORMULAS_CHARACTERS_MAX, PORTFOLIOS_MAX, PROGRAMS_MAX
from marginrules.machine import Code, Field, Key, Models, Parameter, Portfolio, Strategy, StrategyBook
from marginrules.machine import Place as MachinePlace
from marginrules.rulebook import formula
from marginrules.rulebook.diagnostic import Place, Sink, StopReading
from marginrules.rulebook.digest import canonical, code_meaning
from marginrules.rulebook.parse import Scalar
from marginrules.rulebook.portfolios import KEYS, PORTFOLIO, FigurePart, Formulas
from marginrules.rulebook.scenarios import ScenarioPart, table_of
from marginrules.rulebook.schema import Book, PortfolioMargin
from marginrules.rulebook.sections import Sections
from marginrules.rulebook.strategies import StrategyPart
from marginrules.rulebook.tables import rows_of
from marginrules.rulebook.vocabulary.models import DEFAULT, LABEL, WEIGHT

T = TypeVar("T")
UNKNOWN_NAME = "MR-R402"
OF_AMOUNTS = frozenset({"MR-R401", "MR-R404"})  # what literals such as `500 USD` cause where no currency could be read
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_COMPARISON = re.compile(r"(\w+)\.(\w+)\s*(==|<=|>=|<|>)\s*(\w+)\.(\w+)")
_JOINED = ("strike", "days", "multiplier")
_MISSPELT = 0.8  # how like another name is, of 1


@dataclass(frozen=True, slots=True)
class Figure:
    """
    Carry one number that the book defines and the service reports on request.

    Args:
        code: place in `Models.codes`; its output is the value.
        of: "position", "pool" or "portfolio".
        portfolio: place in `Models.portfolios`, or -1.
        given: (name, kind) of what the caller gives, in the order of names.
    """

    code: int
    of: str
    portfolio: int
    given: tuple[tuple[str, str], ...]
    line: int


@dataclass(frozen=True, slots=True)
class History:
    """
    Say how the moves of a historical scenario table are made; scenario 0 is the newest.

    Args:
        table: place in `Models.scenarios`.
        window: how many moves.
        horizon_days: days that one move spans.
        scaled_half_life: moves after which one counts half in the volatility that scales them; 0: not scaled.
    """

    table: int
    window: int
    horizon_days: int
    scaled_half_life: float


@dataclass(frozen=True, slots=True)
class CompiledModels:
    """
    Carry what the margin models of a rulebook compile to.

    Args:
        labels: per scenario table, the name of each scenario or "".
        portfolios: product -> place in `Models.portfolios`; products margined by tiers are not in it.
        pool_line: of the pool's own formulas; 0 where there are none.
    """

    models: Models
    figures: dict[str, Figure]
    histories: tuple[History, ...]
    labels: tuple[tuple[str, ...], ...]
    portfolios: dict[str, int]
    pool_line: int

    @property
    def has_meaning(self) -> bool:
        """Say whether the rulebook has any of the sections, or a product with a formula of its own."""
        return self.models != Models()

    def meaning(self) -> dict[str, Any]:
        """Return it as plain data for the digest: no lines, and nothing of how formulas are written."""
        return {
            "models": canonical(self.models),
            "figures": canonical(self.figures),
            "histories": canonical(self.histories),
            "labels": self.labels,
            "portfolios": self.portfolios,
        }


def compile_models(sink: Sink, book: Book) -> CompiledModels:
    """Compile every formula; what is wrong is in the sink, and the result then is of no use."""
    before = sink.muted
    if not book.currency:
        sink.muted = before | OF_AMOUNTS
    compiled = _ModelCompiler(sink, book).compile()
    sink.muted = before
    return compiled


class _ModelCompiler:
    """Number tables, scenarios and strategy books, then compile the formulas that name them."""

    def __init__(self, sink: Sink, book: Book) -> None:
        self._sink = sink
        self._book = book
        self._sections: Sections = book.sections
        self._codes: list[Code] = []
        self._numbers: dict[tuple[Any, ...], int] = {}  # meaning of a code -> its number
        self._characters = 0  # of formulas compiled so far
        self._environment = self._name()
        # Every name that formulas share could be read.
        self._is_known = (
            len(self._environment.constants) == len(self._sections.constants)
            and all(one.is_known for one in self._sections.scenarios.values())
            and self._sections.unread.isdisjoint(("constants", "parameters", "tables", "scenarios", "strategies"))
        )

    def _name(self) -> formula.Environment:
        sections, currency = self._sections, self._book.currency
        constants = {
            name: constant
            for name, node in sorted(sections.constants.items())
            if (constant := formula.read_constant(self._sink, node, currency)) is not None
        }
        self._parameters = tuple(self._parameter(name, node) for name, node in sorted(sections.parameters.items()))
        return formula.Environment(
            currency=currency,
            constants=constants,
            parameters={one.name: (index, unit) for index, (one, unit) in enumerate(self._parameters)},
            tables={name: index for index, name in enumerate(sorted(sections.tables))},
            scenarios={
                name: formula.Scenarios(index, part.columns, part.history is not None)
                for index, (name, part) in enumerate(sorted(sections.scenarios.items()))
            },
            strategies={name: index for index, name in enumerate(sorted(sections.strategies))},
        )

    def _parameter(self, name: str, written: dict[str, Scalar]) -> tuple[Parameter, formula.Unit]:
        """Return a parameter and the unit that all its values must have, that of the first."""
        values: dict[str, float] = {}
        unit: formula.Unit | None = None
        for symbol, node in written.items():
            constant = formula.read_constant(self._sink, node, self._book.currency)
            if constant is None:
                continue
            if unit is None or not any(values.values()):
                unit = constant.unit
            elif constant.unit != unit and constant.value != 0.0:
                hint = "all values of one parameter are of one kind"
                self._sink.add("MR-R404", node.place, f"'{node.text}' is not of the same kind as the first", hint)
            values[symbol] = constant.value
        default = values.pop(DEFAULT, math.nan)
        return Parameter(name, default, dict(sorted(values.items()))), unit or formula.ANY  # any: nothing could be read

    def compile(self) -> CompiledModels:
        """Compile the formulas in the order of the names of what they belong to."""
        sections = self._sections
        tables = {name: sections.scenarios[name] for name in sorted(sections.scenarios)}
        named = [self._portfolio(name) for name in sorted(sections.portfolios)]
        own = {name: self._product(name, one) for name, one in self._formula_products().items()}
        if len(named) + len(own) > PORTFOLIOS_MAX:
            self._report_too_many(own)
        pool = self._pool()
        strategies = tuple(
            StrategyBook(name, tuple(self._strategy(one) for one in sections.strategies[name].strategies))
            for name in sorted(sections.strategies)
        )
        figures = {name: self._figure(sections.figures[name]) for name in sorted(sections.figures)}
        if not self._sink.found:
            self._report_misspelt_columns(tables)
        return CompiledModels(
            figures=figures,
            models=Models(
                codes=tuple(self._codes),
                scenarios=tuple(table_of(name, part) for name, part in tables.items()),
                tiers=tuple(tuple(rows_of(sections.tables[name])) for name in sorted(sections.tables)),
                portfolios=(*named, *own.values()),
                strategies=strategies,
                parameters=tuple(one for one, _ in self._parameters),
                pool=pool,
            ),
            histories=tuple(
                History(index, part.history.window, part.history.horizon_days, float(part.history.scaled_half_life))
                for index, part in enumerate(tables.values())
                if part.history is not None
            ),
            labels=tuple(part.labels for part in tables.values()),
            portfolios=self._portfolio_numbers({name: len(named) + at for at, name in enumerate(own)}),
            pool_line=sections.pool.place.line if sections.pool else 0,
        )

    def _report_misspelt_columns(self, tables: dict[str, ScenarioPart]) -> None:
        """
        Report a column that no formula reads and that has nearly the name of another key of its rows.

        Columns have any name, so that `wieght` is one too; silently, it would leave every weight at 1.
        """
        read = set(_columns_read(self._codes))
        for number, (name, part) in enumerate(tables.items()):
            if number not in {table for table, _ in read}:
                continue  # for formulas yet to be written
            for index, column in enumerate(part.columns):
                others = [one for one in (*part.columns, LABEL) if one != column]
                near = get_close_matches(column, others, n=1, cutoff=_MISSPELT)
                is_one_of_a_series = bool(near) and column.rstrip("0123456789") == near[0].rstrip("0123456789")
                if column != WEIGHT and near and (number, index) not in read and not is_one_of_a_series:
                    message = f"no formula reads column '{column}' of scenarios '{name}'"
                    self._sink.add("MR-R301", part.places[column], message, f"did you mean '{near[0]}'?")

    # Portfolios

    def _portfolio(self, name: str) -> Portfolio:
        part = self._sections.portfolios[name]
        by = Key(0)
        for word in part.by:
            by |= KEYS[word]
        return Portfolio(name, part.place.line, by, self._requirement(part.formulas))

    def _formula_products(self) -> dict[str, Formulas]:
        products = self._book.products
        return {name: one for name in sorted(products) if isinstance(one := products[name].margin, Formulas)}

    def _product(self, name: str, formulas: Formulas) -> Portfolio:
        code = self._requirement(formulas, per_position=True)
        return Portfolio(name, formulas.place.line, Key.PRODUCT, code)

    def _report_too_many(self, own: dict[str, Portfolio]) -> None:
        name = list(own)[-1] if own else ""
        place = self._book.products[name].place if name else Place(1, 1)
        message = f"portfolios and products with a formula of their own are more than {PORTFOLIOS_MAX}"
        self._sink.add("MR-R107", place, message, "put products with the same formula into one portfolio")

    def _portfolio_numbers(self, own: dict[str, int]) -> dict[str, int]:
        """Return the portfolio of each product that has one."""
        named = {name: index for index, name in enumerate(sorted(self._sections.portfolios))}
        numbers = dict(own)
        for name, product in self._book.products.items():
            if isinstance(product.margin, PortfolioMargin):
                numbers[name] = named.get(product.margin.portfolio, -1)
        return numbers

    # Formulas

    def _requirement(self, formulas: Formulas, *, per_position: bool = False) -> int:
        compile_one = partial(formula.compile_portfolio, per_position=per_position)
        return self._formulas(compile_one, formulas)

    def _pool(self) -> int:
        pool = self._sections.pool
        return -1 if pool is None else self._formulas(formula.compile_pool, pool)

    def _formulas(self, compile_one: Callable[..., Code | None], formulas: Formulas) -> int:
        self._refuse_taken(formulas.define, formulas.keys)
        with self._muted(formulas.is_known):
            define = _by_name(formulas.define)
            self._spend(define, formulas.initial, formulas.maintenance)
            code = compile_one(self._sink, self._environment, define, formulas.initial, formulas.maintenance)
        return self._number(code, formulas.place)

    def _strategy(self, part: StrategyPart) -> Strategy:
        with self._muted(part.is_sound):
            condition = -1 if part.where is None else self._of_legs(part, part.where, "condition")
            initial, maintenance = (self._of_legs(part, one, "amount") for one in (part.initial, part.maintenance))
        joins = () if part.where is None else _joins(part.where.text, tuple(leg.name for leg in part.legs))
        return Strategy(part.name, part.place.line, part.legs, condition, initial, maintenance, joins)

    def _of_legs(self, part: StrategyPart, written: Scalar, wants: str) -> int:
        self._spend({}, written)
        legs = tuple(leg.name for leg in part.legs)
        return self._number(formula.compile_leg(self._sink, self._environment, written, legs, wants=wants), part.place)

    def _figure(self, part: FigurePart) -> Figure:
        portfolios = sorted(self._sections.portfolios)
        number = portfolios.index(part.portfolio) if part.portfolio in self._sections.portfolios else -1
        define, is_known = part.define, part.is_known
        if number >= 0:
            theirs = self._sections.portfolios[part.portfolio].formulas
            define, is_known = _used(part, theirs.define), is_known and theirs.is_known
        self._refuse_taken(part.define, part.keys)
        self._refuse_taken({}, part.given_keys)
        code = None
        if part.of and (part.of != PORTFOLIO or number >= 0):
            self._spend(define, part.value)
            with self._muted(is_known):
                code = formula.compile_figure(
                    self._sink,
                    self._environment,
                    _by_name(define),
                    part.value,
                    of=part.of,
                    given=_by_name(part.given),
                )
        return Figure(
            self._number(code, part.place), part.of, number, tuple(sorted(part.given.items())), part.place.line
        )

    def _refuse_taken(self, define: dict[str, Scalar], keys: dict[str, Place]) -> None:
        """Report each definition or input that has the name of a constant or a parameter."""
        taken = dict.fromkeys(self._sections.parameters, "parameter") | dict.fromkeys(
            self._sections.constants, "constant"
        )
        for name in keys.keys() & taken.keys():
            self._sink.add("MR-R409", keys[name], f"'{name}' is the name of a {taken[name]}", "rename one of them")
            if name in define:
                self._sink.unread.add(define[name].place)

    @contextmanager
    def _muted(self, is_known: bool) -> Iterator[None]:
        """Report no name as unknown where not every name could be read."""
        before = self._sink.muted
        if not (is_known and self._is_known):
            self._sink.muted = before | {UNKNOWN_NAME}
        yield
        self._sink.muted = before

    def _spend(self, define: dict[str, Scalar], *formulas: Scalar) -> None:
        """
        Count the text that is compiled.

        Raises:
            StopReading: the whole is more than is compiled for one rulebook.
        """
        self._characters += sum(len(one.text) for one in (*define.values(), *formulas))
        if self._characters > FORMULAS_CHARACTERS_MAX:
            message = f"formulas are more than {FORMULAS_CHARACTERS_MAX:,} characters"
            hint = "those of a portfolio count again for each figure that uses them"
            self._sink.add("MR-R107", formulas[0].place, message, hint)
            raise StopReading

    def _number(self, code: Code | None, place: Place) -> int:
        """Return the number of a program, the same for two that mean the same; -1 where there is none."""
        if code is None:
            return -1
        meaning = code_meaning(code)
        if meaning not in self._numbers:
            if len(self._codes) >= PROGRAMS_MAX:
                self._sink.add("MR-R107", place, f"formulas compile to more than {PROGRAMS_MAX:,} programs")
                raise StopReading
            self._numbers[meaning] = len(self._codes)
            self._codes.append(code)
        return self._numbers[meaning]


def _joins(condition: str, legs: tuple[str, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """Return comparisons of two legs of which a condition is nothing but a conjunction; none where it is more."""
    joins = []
    for term in condition.split(" and "):
        found = _COMPARISON.fullmatch(term.strip())
        if not found:
            return ()
        left, left_field, relation, right, right_field = found.groups()
        if left_field != right_field or left not in legs or right not in legs or left_field not in _JOINED:
            continue
        first, second = legs.index(left), legs.index(right)
        if relation.startswith(">"):
            first, second = second, first
        joins.append((first, second, int(Field[left_field.upper()]), {"==": 0, "<": 1, ">": 1}.get(relation, 2)))
    return tuple(joins)


def _used(figure: FigurePart, define: dict[str, Scalar]) -> dict[str, Scalar]:
    """Return the definitions of a figure with those of its portfolio that it uses, directly or through others."""
    used, waiting = dict(figure.define), [figure.value, *figure.define.values()]
    while waiting:
        for name in _WORD.findall(waiting.pop().text):
            if name in define and name not in used:
                used[name] = define[name]
                waiting.append(define[name])
    return used


def _by_name(named: dict[str, T]) -> dict[str, T]:
    return dict(sorted(named.items()))


def _columns_read(codes: list[Code]) -> Iterator[tuple[int, int]]:
    """Yield (scenario table, column) of each operand; registers, which stand behind the columns, are among them."""
    for code in codes:
        for stage in code.stages:
            for _, _, operands, _ in stage.instructions:
                for operand in operands:
                    if operand >> 20 == MachinePlace.SCENARIO:
                        yield operand >> 12 & 0xFF, operand & 0xFFF
