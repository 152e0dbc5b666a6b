# SPDX-License-Identifier: Apache-2.0
"""What each asset counts for before and after: the less, the stricter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from marginrules import units
from marginrules.rulebook.collateral import Collateral, Tenor, Utilisation
from marginrules.rulebook.compare.envelope import Piece, differences, greatest, one_rate, rates_in_words
from marginrules.rulebook.compare.records import (
    HOLDING,
    LEFT,
    Change,
    Direction,
    Span,
    amount_words,
    change_of,
    ratio_words,
)

_ONE = Decimal(1)
_NO_LIMIT = "no limit"


def compare_collateral(before: dict[str, Collateral], after: dict[str, Collateral]) -> Iterator[Change]:
    """Yield how every asset differs; one that is new counts from now on, and one that is gone is refused."""
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        lines = was.place.line if was else 0, now.place.line if now else 0
        if was is not None and now is not None:
            found = _compare(was, now)
        elif now is not None:
            found = iter([Change("looser", "collateral", "", "counts")])
        else:
            found = iter([Change("stricter", "collateral", "counts", "")])
        yield from (replace(one, asset=name, before_line=lines[0], after_line=lines[1]) for one in found)


def _compare(was: Collateral, now: Collateral) -> Iterator[Change]:
    yield from _compare_haircuts(was, now)
    yield from _compare_initial(was, now)
    yield from _less("cap", was.cap, now.cap)
    yield from _less("concentration", was.concentration, now.concentration)
    if was.liability != now.liability:
        yield _more("weight of a debt", was.liability, now.liability)
    yield from _compare_volatility(was, now)
    yield from _compare_tenors(was, now)
    yield from _compare_dates(was, now)
    yield from _compare_wrong_way(was, now)
    yield from _compare_utilisation(was.utilisation, now.utilisation)


def _more(term: str, old: Decimal, new: Decimal) -> Change:
    """Return the change of a rate of which more is stricter."""
    direction: Direction = "stricter" if new > old else "looser"
    return change_of(direction, term, (ratio_words(old), ratio_words(new)), values=(old, new))


def _less(term: str, old: Decimal | None, new: Decimal | None) -> Iterator[Change]:
    """Yield the change of a limit of which less is stricter; None: no limit."""
    if old == new:
        return
    direction: Direction = "stricter" if new is not None and (old is None or new < old) else "looser"
    write = ratio_words if term == "concentration" else amount_words
    words = [_NO_LIMIT if one is None else write(one) for one in (old, new)]
    yield change_of(direction, term, words, values=(old, new))


# Haircuts


def _compare_haircuts(was: Collateral, now: Collateral) -> Iterator[Change]:
    old, new = _curve(was), _curve(now)
    for low, high, sign in differences(old, new):
        yield change_of(
            "stricter" if sign > 0 else "looser",
            "haircut",
            [rates_in_words(one, low, high) for one in (old, new)],
            spans=() if low == 0 and high is None else (Span(HOLDING, low or None, high),),
            values=[one_rate(one, low, high) for one in (old, new)],
        )


def _curve(one: Collateral) -> tuple[Piece, ...]:
    """Return what is cut off a value: the greatest of lines, as the core counts the least of their complements."""
    lines, floor, last = [(Fraction(0), Fraction(0))], Fraction(0), None
    for tier in one.haircuts:
        floor = floor if last is None or last.to is None else Fraction(last.to)
        rate = Fraction(tier.rate)
        lines.append((rate, lines[-1][1] + floor * (rate - lines[-1][0]) if last else Fraction(0)))
        last = tier
    return greatest(lines[1:])


def _compare_initial(was: Collateral, now: Collateral) -> Iterator[Change]:
    """Yield how the least haircut for initial margin differs; none is one of 0 %."""
    old, new = was.initial or Decimal(0), now.initial or Decimal(0)
    if old != new:
        yield _more("haircut for initial margin", old, new)


# What follows from published numbers, from dates and from the pool


def _compare_volatility(was: Collateral, now: Collateral) -> Iterator[Change]:
    old, new = was.volatility, now.volatility
    if old == new:
        return
    words = [
        ""
        if one is None
        else f"{amount_words(one.multiple)} x volatility over {units.format_duration(one.horizon_ns)},"
        f" at least {ratio_words(one.floor)}"
        for one in (old, new)
    ]
    direction: Direction = "changed"  # where nobody publishes the volatility that a rule reads, nothing is assessed
    if old is not None and new is not None:
        # The square of multiple x square root of the horizon, exactly.
        squares = [Fraction(one.multiple) ** 2 * one.horizon_ns for one in (old, new)]
        signs = {_sign(squares[0], squares[1]), _sign(old.floor, new.floor)} - {0}
        # Equal squares of different numbers may differ in the last bit of a double.
        direction = "stricter" if signs == {1} else "looser" if signs == {-1} else "changed"
    yield change_of(direction, "haircut by volatility", words)


def _compare_tenors(was: Collateral, now: Collateral) -> Iterator[Change]:
    """Yield how the haircut for the time left differs, stretch by stretch."""
    if was.matures_ns is None or now.matures_ns is None:
        return
    ends = sorted({one.to_ns for one in (*was.tenors, *now.tenors) if one.to_ns is not None})
    rows: list[tuple[int, int | None, Decimal, Decimal]] = []
    for low, high in zip([0, *ends], [*ends, None], strict=True):
        old, new = _tenor_rate(was.tenors, low), _tenor_rate(now.tenors, low)
        if rows and rows[-1][1:] == (low, old, new):
            rows[-1] = rows[-1][0], high, old, new
        else:
            rows.append((low, high, old, new))
    for low, high, old, new in rows:
        if old != new:
            yield replace(_more("haircut for the time left", old, new), spans=(Span(LEFT, low, high),))


def _tenor_rate(tenors: tuple[Tenor, ...], left_ns: int) -> Decimal:
    """Return the rate just above a time left."""
    return next((one.rate for one in tenors if one.to_ns is None or left_ns < one.to_ns), Decimal(0))


def _compare_dates(was: Collateral, now: Collateral) -> Iterator[Change]:
    if was.matures_ns != now.matures_ns:
        # What has matured refuses the pool: no order passes, and no call is made either.
        words = ["" if one.matures_ns is None else units.format_time(one.matures_ns)[:10] for one in (was, now)]
        yield change_of("changed", "maturity", words, values=(was.matures_ns, now.matures_ns))
    old, new = was.callable, now.callable
    if old == new:
        return
    words = [
        "" if one is None else f"at {amount_words(one.price)} from {units.format_time(one.from_ns)[:10]}"
        for one in (old, new)
    ]
    if old is None or new is None:
        yield change_of("stricter" if old is None else "looser", "callable", words)
        return
    signs = {_sign(new.price, old.price), _sign(new.from_ns, old.from_ns)} - {0}
    direction: Direction = "changed" if len(signs) > 1 else "stricter" if signs == {1} else "looser"
    yield change_of(direction, "callable", words)


def _compare_wrong_way(was: Collateral, now: Collateral) -> Iterator[Change]:
    old, new = was.wrong_way, now.wrong_way
    if old is None or new is None:
        one = old or new
        if one is not None:
            words = f"{ratio_words(one.haircut)} with {', '.join(sorted(one.underlyings))}"
            change = Change("stricter", "wrong-way haircut", "", words)
            yield change if old is None else change.reversed()
        return
    if old.haircut != new.haircut:
        yield _more("wrong-way haircut", old.haircut, new.haircut)
    names = set(old.underlyings), set(new.underlyings)
    if names[0] != names[1]:
        direction: Direction = "stricter" if names[0] < names[1] else "looser" if names[1] < names[0] else "changed"
        yield change_of(direction, "wrong-way underlyings", [", ".join(sorted(one)) for one in names])


def _compare_utilisation(was: Utilisation | None, now: Utilisation | None) -> Iterator[Change]:
    for term in ("deposits", "borrows"):
        old, new = (None if one is None else getattr(one, term) for one in (was, now))
        for change in _less(f"limit of all {term}", old, new):
            # A total that a rule reads and nobody published refuses the pool.
            yield change if old is not None and new is not None else replace(change, direction="changed")


def _sign(old: Fraction | Decimal | int, new: Fraction | Decimal | int) -> int:
    return (new > old) - (new < old)
