# SPDX-License-Identifier: Apache-2.0
"""
Accounts that tell two rulebooks apart: portfolios, prices and questions drawn at random until a mutant shows.

The draw is seeded, so that the same book gives the same cases everywhere.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from marginrules.authoring.cases.making import START, Made, Stage, make, price_of, stage_of, underlyings_of, used_fields
from marginrules.authoring.cases.model import ACCOUNT, FigurePart
from marginrules.authoring.cases.recorder import MARGINS, Recorder
from marginrules.errors import InputError
from marginrules.rulebook import Program
from marginrules.service.figures import measure_figures
from marginrules.service.shard import Shard
from marginrules.units import parse_timestamp_ns

_SEED = 20_260_302
_DIFFERS = 1e-6  # of a figure: more than what cases do not compare
_DAYS = (0.005, 0.0207, 0.021, 0.5, 1, 2, 5, 9.95, 10.05, 12, 29.9, 30.1, 45, 60, 89.6, 90.4, 120, 268, 272, 400)
_SHORT = 10  # of those days, the first ones are drawn more often
_SPOTS = (20.0, 100.0, 100.0, 100.0, 1_000.0, 50_000.0)
_QUANTITIES = (1.0, 1.0, 2.0, 3.0, 5.0, 10.0, 50.0, 1_000.0, 30_000.0, 1e6)
_STRIKES = (0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 1.0, 1.03, 1.05, 1.1, 1.15, 1.2, 1.3, 1.6)
_SHARES = (0.0, 0.1, 0.3, 0.39, 0.41, 0.5, 0.54, 0.56, 0.9, 0.97, 0.99, 1.0)
_GIVEN = (0.0, 0.01, 0.1, 0.5, 0.9, 0.94, 0.96, 1.0, 2.0, 100.0, 1_000.0, 1_990.0, 2_010.0, 10_000.0, 1e6)
_BATCH = 60
_LEGS_MAX = 4
_FLIES = 0.35  # how often a butterfly is drawn where there are scenarios
_CONSTANT_MAX = 1e7
_MOVE_MAX = 6.0

Answers = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Carry one draw: an account as it stands, and figures that are asked of it with what they are given."""

    stage: Stage
    figures: tuple[FigurePart, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Carry a case that tells mutants from the book; `noticed` has their places in the list that was given."""

    text: str
    noticed: tuple[int, ...]


def search(program: Program, others: Sequence[Program], *, rounds: int, name: str = "drawn at random") -> list[Found]:
    """
    Draw accounts until each of the other programs gives something else than the book, or the rounds are over.

    Args:
        others: programs that differ from the book, each to be told from it.
        rounds: how many batches of accounts are drawn at most.

    Returns:
        Cases, each with the programs that it is the first to tell apart.
    """
    chance = random.Random(_SEED)  # noqa: S311 - to draw examples, not secrets
    values, left = _values_of(program), dict(enumerate(others))
    found: list[Found] = []
    for _ in range(rounds):
        if not left:
            break
        batch = [question for _ in range(_BATCH) if (question := _draw(program, values, chance)) is not None]
        told = [(question, _told(program, question, left)) for question in batch]
        while told:
            told.sort(key=lambda one: -len(one[1]))
            question, noticed = told[0]
            if not noticed:
                break
            text = _recorded(program, question, set(noticed.values()), f"{name}, {len(found) + 1}")
            if text:
                found.append(Found(text, tuple(sorted(noticed))))
                for one in noticed:
                    left.pop(one, None)
            told = [(one, {n: at for n, at in by.items() if n not in noticed}) for one, by in told[1:]]
    return found


@dataclass(frozen=True, slots=True)
class _Values:
    """Carry values near which a book may turn, taken from its own formulas and scenarios."""

    near: tuple[float, ...]  # constants and literals, a little less and a little more of each
    moves: tuple[float, ...]  # relative moves of prices


def _values_of(program: Program) -> _Values:
    models = program.models
    constants = {abs(value) for code in models.codes for value in code.constants if 0.0 < abs(value) < _CONSTANT_MAX}
    shocks = {value for table in models.scenarios if not table.is_historical for row in table.columns for value in row}
    scans = {value for one in models.parameters for value in (one.default, *one.values.values()) if 0.0 < value < 1.0}
    moves = {move for shock in shocks for move in (shock, shock - 1.0, *(shock * scan for scan in scans))}
    return _Values(
        tuple(sorted(round(value * near, 12) for value in constants for near in (0.996, 1.004))),
        tuple(sorted(move for move in moves if -0.9 < move < _MOVE_MAX and move != 0.0)),
    )


def _draw(program: Program, values: _Values, chance: random.Random) -> Question | None:
    """Draw an account; None where no instrument fits."""
    number = chance.randrange(len(program.products))
    underlying = chance.choice(underlyings_of(program, number))
    spot = chance.choice(_SPOTS)
    held = _butterfly(program, number, underlying, spot, values, chance) if chance.random() < _FLIES else []
    if not held:
        held = _mixed(program, number, underlying, spot, values, chance)
    if not held:
        return None
    stage = stage_of(program, chance.choice(program.classes), held, spot)
    volatility, is_plain = chance.choice((0.05, 0.2, 0.44, 0.6, 1.0, 2.0)), chance.random() < 0.5
    for made, _ in held:
        price = price_of(program, made, spot) if is_plain else _varied(program, made, spot, values, chance)
        stage.prices[made.symbol] = price | ({"volatility": volatility} if "volatility" in price else {})
        position = stage.positions[made.symbol]
        if position["entry_price"]:
            share = chance.choice((0.8, 0.99, 1.0, 1.0, 1.01, 1.3))
            position["entry_price"] = round(position["entry_price"] * share, 8)
    stage.balances[program.currency] = round(spot * chance.choice((0.1, 1.0, 10.0, 100.0)) * 10.0, 6)
    figures = tuple(
        FigurePart(name, "", tuple((key, _given(kind, values, chance)) for key, kind in figure.given))
        for name, figure in program.figures.items()
    )
    return Question(stage, figures)


def _mixed(
    program: Program, number: int, underlying: str, spot: float, values: _Values, chance: random.Random
) -> list[tuple[Made, float]]:
    """Draw some instruments of one underlying, a part of the time as large as each other and on opposite sides."""
    held: dict[str, tuple[Made, float]] = {}
    size, is_hedged = chance.choice(_QUANTITIES), chance.random() < 0.4
    for which in range(1, chance.randint(1, _LEGS_MAX) + 1):
        product = number if chance.random() < 0.6 else chance.randrange(len(program.products))
        strikes = _STRIKES if chance.random() < 0.6 or not values.moves else [1.0 + one for one in values.moves]
        made = make(
            program,
            product,
            underlying,
            which=which,
            right=chance.choice(("call", "put")),
            strike=round(spot * chance.choice(strikes), 6),
            days=chance.choice(_DAYS[:_SHORT] if chance.random() < 0.5 else _DAYS),
            kind=chance.choice(program.products[product].match.kinds or ("",)),
        )
        if made is not None:
            quantity = size * (-1.0) ** which if is_hedged else chance.choice((1.0, -1.0)) * chance.choice(_QUANTITIES)
            held[made.symbol] = made, quantity
    return list(held.values())


def _butterfly(
    program: Program, number: int, underlying: str, spot: float, values: _Values, chance: random.Random
) -> list[tuple[Made, float]]:
    """Sell a narrow butterfly around a scenario's price: it loses most in that scenario, whatever others there are."""
    if not values.moves:
        return []
    centre, right, days = (
        1.0 + chance.choice(values.moves),
        chance.choice(("call", "put")),
        chance.choice((0.5, 1, 2, 5)),
    )
    width, size = centre * chance.choice((0.01, 0.02, 0.04, 0.1)), chance.choice((1.0, 10.0))
    held = []
    for which, (offset, quantity) in enumerate(((-1.0, -1.0), (0.0, 2.0), (1.0, -1.0)), start=1):
        strike = round(spot * (centre + offset * width), 6)
        made = make(program, number, underlying, which=which, right=right, strike=strike, days=days, kind="option")
        if made is None or not made.is_option:
            return []
        held.append((made, size * quantity))
    return held


def _given(kind: str, values: _Values, chance: random.Random) -> float:
    if kind == "yes_no":
        return chance.choice((0.0, 1.0))
    return chance.choice(values.near if values.near and chance.random() < 0.5 else _GIVEN)


def _varied(program: Program, made: Made, spot: float, values: _Values, chance: random.Random) -> dict[str, float]:
    price = price_of(program, made, spot)
    choices: dict[str, tuple[float, ...]] = {
        "volatility": (0.05, 0.2, 0.44, 0.6, 1.0, 2.0),
        "rate": (-0.02, 0.0, 0.03, 0.1, 0.5),
        "dividend_yield": (0.0, 0.03),
        "volume": (10.0, 1e4, 1e6),
        "delta": tuple(one * (-1 if made.instrument.right == "put" else 1) for one in (0.05, 0.3, 0.5, 0.8, 1.0)),
        "stable_price": (0.9, 0.97, 0.99, 1.0, *(one for one in values.near if 0.9 < one < 1.0)),
        "open_interest": (0.0, 1e6, 3e7, 2.5e13, 4.5e13, 7e13, 2e14),
        "funding": (-0.01 * spot, 0.0, 0.01 * spot),
    }
    for name in (*used_fields(program), "open_interest"):
        if name not in price:
            continue
        if name in choices:
            price[name] = chance.choice(choices[name])
        elif name.endswith("confidence"):
            shares = (*_SHARES, *(one for one in values.near if one < 1.0))
            price[name] = chance.choice(shares) if chance.random() < 0.5 else 1.0
        elif name == "index":
            price[name] = round(spot * chance.choice((0.98, 1.0, 1.0, 1.02)), 8)
    return price


def _told(program: Program, question: Question, others: dict[int, Program]) -> dict[int, int]:
    """Return which of the programs give something else, and in which answer; none where the book gives nothing."""
    shard, now_ns = _shard(program, question)
    if shard is None:
        return {}
    before = _answers(shard, question, now_ns)
    if not before:
        return {}
    told = {}
    for number, other in others.items():
        shard.adopt(other, "rulebook.yaml", "search", "search", now_ns)
        place = _first_difference(before, _answers(shard, question, now_ns))
        if place is not None:
            told[number] = place
    return told


def _shard(program: Program, question: Question) -> tuple[Shard | None, int]:
    now_ns = parse_timestamp_ns(START) or 0
    try:
        return Recorder(program, "drawn", question.stage).world.shard, now_ns
    except InputError:
        return None, now_ns


def _answers(shard: Shard, question: Question, now_ns: int) -> Answers:
    pool = shard.book.pool_id(ACCOUNT, "")
    found = shard.book.engine.assess(pool, now_ns)
    if not found.is_valid:
        return ()
    answers: list[tuple[float, ...]] = [(found.equity, found.initial_margin, found.maintenance_margin)]
    for one in question.figures:
        try:
            measured = measure_figures(shard, pool, now_ns, (one.name,), one.symbol, dict(one.given))
        except InputError:
            answers.append(())
            continue
        answers.append(tuple(value for figure in measured.figures for row in figure.rows for value in row.values))
    return tuple(answers)


def _first_difference(before: Answers, after: Answers) -> int | None:
    if len(before) != len(after):
        return 0
    return next((place for place, pair in enumerate(zip(before, after, strict=True)) if _differ(*pair)), None)


def _differ(old: tuple[float, ...], new: tuple[float, ...]) -> bool:
    return len(old) != len(new) or any(
        not abs(one - other) <= _DIFFERS * max(abs(one), 1e-3) for one, other in zip(old, new, strict=True)
    )


def _recorded(program: Program, question: Question, places: set[int], name: str) -> str:
    """Record the answers that matter: the first is of the pool's margins, the others are of figures."""
    try:
        recorder = Recorder(program, name, question.stage)
        if 0 in places:
            recorder.stop(look=("equity", *MARGINS), with_events=False)
        for place, one in enumerate(question.figures, start=1):
            if place in places:
                recorder.ask(one)
    except InputError:
        return ""
    return recorder.text
