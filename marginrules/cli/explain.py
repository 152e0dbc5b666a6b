# SPDX-License-Identifier: Apache-2.0
"""Where numbers come from: how a margin comes about, the figures that a rulebook defines, the words of its formulas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from marginrules.cli.common import INPUT, command, connect, with_client
from marginrules.cli.output import amount, print_json, print_table
from marginrules.client import MarginExplanation, PoolFigures
from marginrules.client.answers import FigureValues, Grouping
from marginrules.codes import Reason
from marginrules.errors import InputError
from marginrules.rulebook.diagnostic import suggest
from marginrules.rulebook.formula.unit import noun
from marginrules.rulebook.formula.vocabulary import (
    FUNCTIONS,
    INSTRUMENT_FIELDS,
    KEYS,
    OVER_POSITIONS,
    OVER_SCENARIOS,
    POOL_FIELDS,
    POSITION_FIELDS,
    Function,
)

_POOL = click.option("--pool", default="", help="Symbol of an isolated pool; the cross pool where it is left out.")
_SYMBOLS_SHOWN = 8


@command("marginrules margin ACC-1", "marginrules margin ACC-1 --pool BTC-PERP --json")
@click.argument("account")
@_POOL
@with_client
def margin(account: str, pool: str, as_json: bool, **connection: Any) -> None:
    """Show how the margin of ACCOUNT comes about, part by part, each with its rule."""
    with connect(connection) as client:
        found = client.explain_margin(account, pool)
    if as_json:
        print_json(found)
    else:
        _print_margin(found)


def _print_margin(found: MarginExplanation) -> None:
    if not found.assessment.is_valid:
        click.echo(f"cannot be assessed: {_words(found.assessment.reasons)}")
    if found.positions:
        rows = [
            (
                one.symbol,
                f"{one.quantity:.12g}",
                *map(_amount, (one.value, one.initial_margin, one.maintenance_margin, one.orders)),
                _rule_or_why(one.rule, one.reasons),
            )
            for one in found.positions
        ]
        print_table("by tiers", ("symbol", ">quantity", ">value", *_MARGIN_COLUMNS), rows)
    if found.groups:
        groups = [
            (
                _symbols(one.symbols),
                *map(_amount, (one.initial_margin, one.maintenance_margin, one.orders)),
                _rule_or_why(one.rule, one.reasons),
            )
            for one in found.groups
        ]
        print_table("together", ("symbols", *_MARGIN_COLUMNS), groups)
    for grouping in [one for group in found.groups for one in group.groupings] + list(found.pool_groupings):
        _print_grouping(grouping)
    if found.excluded:
        print_table(
            "left out of equity",
            ("symbol", ">profit and loss"),
            [(symbol, amount(value)) for symbol, value in found.excluded],
        )
    if found.assessment.is_valid:
        _print_sums(found)


_MARGIN_COLUMNS = (">initial margin", ">maintenance margin", ">for open orders", "rule")


def _print_grouping(one: Grouping) -> None:
    if one.cost is None:
        click.echo(f"{one.requirement} margin by {one.book}: no grouping was found")
        return
    proof = "nothing costs less" if one.is_proven else "the search was cut: another grouping may cost less"
    rows = [
        (
            use.strategy,
            f"{use.amount:.12g}",
            ", ".join(f"{quantity:+.12g} {symbol}" for symbol, quantity in use.legs),
            amount(use.cost),
            amount(use.amount * use.cost),
            use.rule,
        )
        for use in one.uses
    ]
    title = f"{one.requirement} margin by {one.book}: {amount(one.cost)}, {proof}"
    print_table(title, ("strategy", ">units", "legs", ">of one", ">of all", "rule"), rows)


def _print_sums(found: MarginExplanation) -> None:
    asked = (amount(found.assessment.initial_margin), amount(found.assessment.maintenance_margin))
    rows = [("sum of the parts", _amount(found.initial_margin), _amount(found.maintenance_margin), "-")]
    if found.pool_rule:
        rows.append(("after the pool's formulas", *asked, found.pool_rule))
    print_table("the pool", ("what", ">initial margin", ">maintenance margin", "rule"), rows)


@command(
    "marginrules figures ACC-1",
    "marginrules figures ACC-1 --name bankruptcy_price --symbol BTC-PERP --given closed=2",
    "marginrules figures ACC-1 --json",
)
@click.argument("account")
@_POOL
@click.option("--name", "names", multiple=True, help="Figure of the rulebook; all whose inputs are given, else.")
@click.option("--symbol", default="", help="Only of this position, or of the groups that it is in.")
@click.option("--given", type=INPUT, multiple=True, help="What figures are given, as NAME=VALUE.")
@with_client
def figures(
    account: str,
    pool: str,
    names: tuple[str, ...],
    symbol: str,
    given: tuple[tuple[str, float], ...],
    as_json: bool,
    **connection: Any,
) -> None:
    """Show the figures that the rulebook defines, for ACCOUNT."""
    if len(dict(given)) != len(given):
        raise click.UsageError("each input is given once")
    with connect(connection) as client:
        found = client.figures(account, pool, names=names, symbol=symbol, given=dict(given))
    if as_json:
        print_json(found)
    else:
        _print_figures(found)


def _print_figures(found: PoolFigures) -> None:
    if not found.assessment.is_valid:
        click.echo(f"cannot be assessed: {_words(found.assessment.reasons)}")
        return
    single = [one for one in found.figures if not one.scenarios]
    if not found.figures:
        click.echo("the rulebook defines no figure that needs no input")
    if single:
        rows = [(one.name, *row, one.rule) for one in single for row in _rows(one)]
        print_table("", ("figure", "of", ">value", "rule"), rows)
    for one in found.figures:
        if one.scenarios:
            print_table(f"{one.name} ({one.rule})", ("of", "scenario", ">value"), _scenario_rows(one))


def _rows(one: FigureValues) -> Iterator[tuple[str, str]]:
    for row in one.rows:
        yield _symbols(row.symbols), f"{row.values[0]:.12g}" if row.values else _words(row.reasons)


def _scenario_rows(one: FigureValues) -> Iterator[tuple[str, str, str]]:
    for row in one.rows:
        if not row.values:
            yield _symbols(row.symbols), "-", _words(row.reasons)
        for name, value in zip(one.scenarios, row.values, strict=False):
            yield _symbols(row.symbols), name, f"{value:.12g}"


@dataclass(frozen=True, slots=True)
class _Word:
    """Carry one word of formulas."""

    word: str
    section: str
    written: str  # as in a formula
    unit: str  # of a field
    means: str


@command("marginrules words", "marginrules words notional", "marginrules words --json")
@click.argument("word", default="")
def words(word: str, as_json: bool) -> None:
    """Explain the fields and functions of formulas, or only WORD."""
    every = list(_vocabulary())
    chosen = [one for one in every if word in ("", one.word)]
    if not chosen:
        hint = suggest(word, {one.word for one in every})
        raise InputError("MR-I122", f"{word[:40]!r} is no word of formulas", hint or "`marginrules words` lists all")
    if as_json:
        for one in chosen:
            print_json(one)
        return
    for section in dict.fromkeys(one.section for one in chosen):
        rows = [one for one in chosen if one.section == section]
        if rows[0].unit:
            print_table(section, ("field", "unit", "means"), [(one.written, one.unit, one.means) for one in rows])
        else:
            print_table(section, ("function", "means"), [(one.written, one.means) for one in rows])
    if any("by KEY" in one.written for one in chosen):
        click.echo(f"`by KEY` may be left out; KEY is one of {', '.join(KEYS)}, or several with commas between them")


def _vocabulary() -> Iterator[_Word]:
    for section, fields in (
        ("fields of an instrument", INSTRUMENT_FIELDS),
        ("fields of a position", POSITION_FIELDS),
        ("fields of a pool, in `pool` and `figures`", POOL_FIELDS),
    ):
        for name, field in fields.items():
            yield _Word(name, section, name, noun(field.unit), field.doc)
    for name, function in FUNCTIONS.items():
        yield _Word(name, _section(name, function), function.signature(name), "", function.doc)


def _section(name: str, function: Function) -> str:
    if name in OVER_SCENARIOS:
        return "functions over scenarios"
    if name in OVER_POSITIONS or function.is_by or name == "strategy_margin":
        return "functions over positions"
    return "functions of an instrument" if function.needs_group else "functions of each value by itself"


def _amount(value: float | None) -> str:
    return "-" if value is None else amount(value)


def _symbols(symbols: Sequence[str]) -> str:
    shown = ", ".join(symbols[:_SYMBOLS_SHOWN]) or "pool"
    return shown + (f" and {len(symbols) - _SYMBOLS_SHOWN} more" if len(symbols) > _SYMBOLS_SHOWN else "")


def _rule_or_why(rule: str, reasons: Reason) -> str:
    return _words(reasons) if reasons else rule


def _words(reasons: Reason) -> str:
    return ", ".join(name.lower() for name in reasons.names)
