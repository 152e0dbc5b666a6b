# SPDX-License-Identifier: Apache-2.0
"""Cases at, just below and just above the edges of tiers and tables, and for each value that formulas tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from marginrules import units
from marginrules.authoring.cases.making import (
    Made,
    Stage,
    make,
    price_of,
    stage_of,
    underlyings_of,
)
from marginrules.authoring.cases.recorder import MARGINS, Recorder
from marginrules.errors import InputError
from marginrules.rulebook import Program
from marginrules.rulebook.schema import Book, Margin
from marginrules.units import SECOND_NS

_NEAR = (0.999, 1.0, 1.001)  # of an edge: as near as what it changes can be read in eight digits
_LEVERAGE = 1_000.0  # so that a tier's own rate decides, and not the account's setting
_AMOUNT_LEAST = 1_000
_SPOTS = (100.0, 90.0, 115.0)
_REASONS = ("reasons",)


def margin_cases(program: Program, book: Book) -> Iterator[str]:
    """Yield the cases of every product, each variant of its tiers once."""
    seen: set[tuple[object, ...]] = set()
    for account_class in program.classes:
        profile = program.profile_of(account_class, "")
        for number, product in enumerate(program.products):
            edges = tuple(one.floor for one in program.margin_tiers[profile][number])
            told = (number, program.margin_tiers[profile][number])
            if told in seen:
                continue
            seen.add(told)
            name = f"{product.name} of class {account_class}"
            margin = book.products[product.name].margin
            if isinstance(margin, Margin):
                yield from _tiers(program, account_class, number, edges[1:], name)
                if margin.open_interest:
                    yield from _open_interest(program, account_class, number, margin, name)
            else:
                yield from _formulas(program, account_class, number, _amounts(book), name)


def age_cases(program: Program) -> Iterator[str]:
    """Yield a case for each product: its mark just before and just after it has grown old."""
    for number, product in enumerate(program.products):
        made = _first(program, number)
        if made is None:
            continue
        stage = stage_of(program, program.classes[0], [(made, 1.0)])
        recorder = Recorder(program, f"{product.name}, the age of a mark", stage, quotes="once")
        recorder.stop(after_ns=product.max_age_ns, look=_REASONS, with_events=False)
        recorder.stop(after_ns=SECOND_NS, look=_REASONS, with_events=False)
        yield recorder.text


def _first(program: Program, number: int) -> Made | None:
    made = (make(program, number, underlying) for underlying in underlyings_of(program, number))
    return next((one for one in made if one is not None), None)


def _tiers(program: Program, account_class: str, number: int, edges: tuple[float, ...], name: str) -> Iterator[str]:
    made = next(
        (one for u in reversed(underlyings_of(program, number)) if (one := make(program, number, u)) is not None), None
    )
    if made is None:
        return
    stage = stage_of(program, account_class, [(made, 1.0)])
    stage.positions[made.symbol]["leverage"] = _LEVERAGE
    recorder = Recorder(program, f"{name}, around the edges of its tiers", stage)
    for notional in _around(edges):
        recorder.stop(prices=_worth(program, made, stage, notional), look=MARGINS, with_events=False)
    yield recorder.text


def _around(edges: tuple[float, ...]) -> list[float]:
    if not edges:
        return [100_000.0]
    near = [round(edge * share, 6) for edge in edges for share in _NEAR]
    return [*near, 2.0 * edges[-1]]


def _worth(program: Program, made: Made, stage: Stage, notional: float) -> dict[str, dict[str, float]]:
    """Return the prices at which one contract is worth a notional."""
    if made.instrument.inverse:  # at its first mark one contract is worth one coin
        return {made.instrument.settlement: stage.prices[made.instrument.settlement] | {"mark": notional}}
    return {made.symbol: price_of(program, made, notional)}


def _open_interest(program: Program, account_class: str, number: int, margin: Margin, name: str) -> Iterator[str]:
    made = _first(program, number)
    if made is None or margin.open_interest is None:
        return
    lower, upper = (float(one) for one in margin.open_interest)
    stage = stage_of(program, account_class, [(made, 1.0)])
    recorder = Recorder(program, f"{name}, around its limits of open interest", stage)
    for interest in (lower * 0.999, lower, lower * 1.001, (lower + upper) / 2, upper * 0.999, upper, upper * 1.001):
        price = stage.prices[made.symbol] | {"open_interest": interest}
        recorder.stop(prices={made.symbol: price}, look=MARGINS, with_events=False)
    yield recorder.text


def _amounts(book: Book) -> list[float]:
    """Return the amounts that constants, parameters and tables name: where a formula may turn."""
    sections = book.sections
    texts = [one.text for one in sections.constants.values()]
    texts += [one.text for values in sections.parameters.values() for one in values.values()]
    found = {float(number) for text in texts if (number := _amount(text)) is not None}
    found |= {float(one.to) for tiers in sections.tables.values() for one in tiers if one.to is not None}
    return sorted(found)


def _amount(text: str) -> Decimal | None:
    number, _, unit = text.partition(" ")
    value = units.parse_number(number) if unit else None
    return value if value is not None and value >= _AMOUNT_LEAST else None


def _formulas(program: Program, account_class: str, number: int, amounts: list[float], name: str) -> Iterator[str]:
    for underlying in underlyings_of(program, number):
        for side, sign in (("long", 1.0), ("short", -1.0)):
            held = [(one, sign * 10.0) for one in _kinds(program, number, underlying)]
            if not held:
                continue
            stage = stage_of(program, account_class, held)
            for position in stage.positions.values():
                position["leverage"] = 10.0
            try:
                recorder = Recorder(program, f"{name}, {underlying}, {side}", stage)
                for spot in (*_SPOTS, *(round(one / 10.0 * share, 9) for one in amounts for share in _NEAR)):
                    prices = {one.symbol: price_of(program, one, spot) for one, _ in held}
                    recorder.stop(prices=prices, look=MARGINS, with_events=False)
            except InputError:
                continue
            yield recorder.text


def _kinds(program: Program, number: int, underlying: str) -> list[Made]:
    """Return one instrument of each kind that a product matches; of options one in and one out of the money."""
    made: dict[str, Made] = {}
    for kind in program.products[number].match.kinds or ("perpetual",):
        for which, right, strike in ((1, "call", 95.0), (2, "put", 95.0)) if kind == "option" else ((1, "call", 0.0),):
            one = make(program, number, underlying, which=which, right=right, strike=strike, kind=kind)
            if one is not None:
                made.setdefault(one.symbol, one)
    return list(made.values())
