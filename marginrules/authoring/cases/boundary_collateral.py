# SPDX-License-Identifier: Apache-2.0
"""Cases around what collateral counts for: the edges of haircuts, caps, shares, times left, limits and debts."""

from __future__ import annotations

from collections.abc import Iterator

from marginrules.authoring.cases.making import Stage, make, stage_of, underlyings_of
from marginrules.authoring.cases.model import OrderPart
from marginrules.authoring.cases.recorder import Recorder
from marginrules.errors import InputError
from marginrules.rulebook import Program
from marginrules.rulebook.collateral import Collateral
from marginrules.rulebook.schema import Book
from marginrules.units import SECOND_NS, format_time

_LOOK = ("equity",)
_NEAR = (0.999, 1.0, 1.001)
_PLAIN = 1_000.0


def collateral_cases(program: Program, book: Book) -> Iterator[str]:
    """Yield the cases of every asset."""
    for asset, rule in book.collateral.items():
        yield from _of_asset(program, asset, rule)


def _stage(program: Program, asset: str, amount: float, cash: float = 0.0) -> Stage:
    stage = Stage(program.classes[0])
    stage.balances = {program.currency: cash, asset: amount} if asset != program.currency else {asset: amount}
    return stage


def _price(rule: Collateral, mark: float, **published: float) -> dict[str, float]:
    price = {"mark": mark}
    if rule.volatility:
        price["volatility"] = 0.3
    if rule.utilisation:
        price |= {"deposits": 0.0, "borrows": 0.0}
    return price | published


def _of_asset(program: Program, asset: str, rule: Collateral) -> Iterator[str]:
    if asset == program.currency:
        recorder = Recorder(program, f"{asset} as collateral", _stage(program, asset, _PLAIN))
        recorder.stop(look=_LOOK, with_events=False)
        yield recorder.text
        return
    yield from _by_value(program, asset, rule)
    if rule.volatility:
        marks = [_price(rule, _PLAIN, volatility=one) for one in (0.01, 0.1, 0.3, 0.6, 1.0, 1.5)]
        yield _told(program, f"{asset} as collateral, by its volatility", asset, marks)
    if rule.utilisation:
        limits = (rule.utilisation.deposits, rule.utilisation.borrows)
        for sign, key, limit in ((1.0, "deposits", limits[0]), (-1.0, "borrows", limits[1])):
            if limit is not None:
                marks = [_price(rule, _PLAIN, **{key: float(limit) * share}) for share in (*_NEAR, 2.0)]
                yield _told(program, f"{asset}, around its limit of {key}", asset, marks, amount=sign)
    if rule.liability != 1:
        yield _told(program, f"{asset}, a debt in it", asset, [_price(rule, _PLAIN)], amount=-1.0)
    yield from _by_time(program, asset, rule)
    if rule.initial is not None:
        yield from _initially(program, asset, rule)
    if rule.wrong_way:
        yield from _wrong_way(program, asset, rule)


def _by_value(program: Program, asset: str, rule: Collateral) -> Iterator[str]:
    edges = [float(one.to) for one in rule.haircuts if one.to is not None]
    edges += [float(rule.cap)] if rule.cap is not None else []
    values = [round(edge * share, 6) for edge in edges for share in _NEAR] + [2.0 * edges[-1] if edges else _PLAIN]
    cash = 4.0 * max(values) if rule.concentration != 1 else 0.0
    marks = [_price(rule, value) for value in values]
    yield _told(program, f"{asset} as collateral, by its value", asset, marks, cash=cash)
    if rule.concentration != 1:
        # Of all collateral at once: with ever more of it beside a little cash.
        small = min(values)
        marks = [_price(rule, small * share) for share in (0.1, 0.5, 1.0, 2.0, 5.0, 50.0)]
        yield _told(program, f"{asset} as collateral, by its share", asset, marks, cash=small)


def _told(
    program: Program,
    name: str,
    asset: str,
    marks: list[dict[str, float]],
    *,
    amount: float = 1.0,
    cash: float = 0.0,
    start: str = "",
) -> str:
    stage = _stage(program, asset, amount, cash)
    stage.prices[asset] = marks[0]
    stage.start = start or stage.start
    recorder = Recorder(program, name, stage)
    for mark in marks:
        recorder.stop(prices={asset: mark}, look=_LOOK, with_events=False)
    return recorder.text


def _by_time(program: Program, asset: str, rule: Collateral) -> Iterator[str]:
    moments: list[tuple[str, int]] = [
        (f"with {tenor.to_ns // (86_400 * SECOND_NS)} days left", rule.matures_ns - tenor.to_ns)
        for tenor in rule.tenors
        if tenor.to_ns is not None and rule.matures_ns is not None
    ]
    if rule.matures_ns is not None:
        moments.append(("at maturity", rule.matures_ns))
    if rule.callable:
        moments.append(("when it may be called", rule.callable.from_ns))
    for words, moment_ns in moments:
        if moment_ns - 2 * SECOND_NS < program.effective_ns:
            continue
        mark = 1.5 * float(rule.callable.price) if rule.callable else _PLAIN
        stage = _stage(program, asset, 1.0)
        stage.start = format_time(moment_ns - SECOND_NS)
        stage.prices[asset] = _price(rule, mark)
        try:
            recorder = Recorder(program, f"{asset}, {words}", stage)
            for _ in range(3):
                recorder.stop(look=_LOOK, with_events=False)
                recorder.stop(after_ns=SECOND_NS, prices={asset: _price(rule, mark)}, look=_LOOK, with_events=False)
        except InputError:
            continue
        yield recorder.text


def _initially(program: Program, asset: str, rule: Collateral) -> Iterator[str]:
    """Yield a case in which collateral that counts for less initially decides how much may be opened."""
    for number in range(len(program.products)):
        made = next((one for u in underlyings_of(program, number) if (one := make(program, number, u))), None)
        if made is None:
            continue
        stage = stage_of(program, program.classes[0], [(made, 0.0)])
        stage.positions = {}
        stage.balances = {program.currency: 0.0, asset: 1.0}
        stage.prices[asset] = _price(rule, _PLAIN)
        recorder = Recorder(program, f"{asset}, what it counts for initially", stage)
        recorder.stop(order=OrderPart(made.symbol, 1.0, stage.prices[made.symbol]["mark"]))
        yield recorder.text
        return


def _wrong_way(program: Program, asset: str, rule: Collateral) -> Iterator[str]:
    if rule.wrong_way is None:
        return
    for number in range(len(program.products)):
        made = make(program, number, rule.wrong_way.underlyings[0])
        if made is None or made.instrument.underlying != rule.wrong_way.underlyings[0]:
            continue
        for side, quantity in (("long", 1.0), ("short", -1.0)):
            stage = stage_of(program, program.classes[0], [(made, quantity)])
            stage.balances = {program.currency: _PLAIN, asset: 1.0}
            stage.prices[asset] = _price(rule, _PLAIN)
            recorder = Recorder(program, f"{asset} as collateral of who is {side}", stage)
            recorder.stop(look=_LOOK, with_events=False)
            yield recorder.text
        return
