# SPDX-License-Identifier: Apache-2.0
"""Answers for people: how far an account is from what happens next, what it survives, who is most exposed, ways out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from marginrules.cli.common import DURATION, RATE, STRESS, command, connect, with_client
from marginrules.cli.output import amount, or_nothing, print_json, print_table, progress, ratio
from marginrules.client import Client, Exposure, PoolAssessment, PoolDistance, Resilience, Stress, WaysOut
from marginrules.client.answers import Crossing, Trade, VulnerablePool

_POOL = click.option("--pool", default="", help="Symbol of an isolated pool; the cross pool where it is left out.")
_STRESS_HELP = "Moves, as NAME=UNDERLYING:PRICE:VOLATILITY,...; * stands for all others."
_PAGE = 1_000
_RATIO = "ratio"


@command("marginrules distance ACC-1", "marginrules distance ACC-1 --horizon 10d --json")
@click.argument("account")
@_POOL
@click.option("--horizon", type=DURATION, default="1d", show_default=True, help="Over which deviations are counted.")
@with_client
def distance(account: str, pool: str, horizon: int, as_json: bool, **connection: Any) -> None:
    """Show how far ACCOUNT is from each step of its ladder and from liquidation."""
    with connect(connection) as client:
        found = client.distance(account, pool, horizon_ns=horizon)
    if as_json:
        print_json(found)
    elif _is_assessed(found.assessment):
        _print_distance(found)


def _print_distance(found: PoolDistance) -> None:
    for one in found.underlyings:
        volatility = f", volatility {one.volatility:.1%} of {one.volatility_from}" if one.volatility else ""
        price = "" if one.price is None else f" at {one.price:.12g} of {one.price_from}"
        rows = [
            (step.step, ratio(step.below), amount(step.equity), *_crossing(step.fall), *_crossing(step.rise))
            for step in one.steps
        ]
        rows += [
            (label, "-", "-", *_crossing(root if root and root.move <= 0 else None), *_crossing(_above(root)))
            for label, root in (
                ("open positions", one.open_positions),
                ("with buy orders", one.with_buy_orders),
                ("with sell orders", one.with_sell_orders),
            )
        ]
        print_table(f"{one.underlying}{price}{volatility}", _DISTANCE_COLUMNS, rows)
        if one.liquidation:
            roots = ", ".join(_move(root) for root in one.liquidation)
            click.echo(f"liquidated, or no longer, at: {roots}")
        if one.reasons:
            words = ", ".join(name.lower() for name in one.reasons.names)
            click.echo(f"some prices could not be assessed: {words} {', '.join(one.unpriced)}".rstrip())


_DISTANCE_COLUMNS = (
    "step",
    ">below",
    ">equity to it",
    ">fall to it",
    ">price",
    ">deviations",
    ">rise to it",
    ">price",
    ">deviations",
)


def _above(root: Crossing | None) -> Crossing | None:
    return root if root and root.move > 0.0 else None


def _crossing(one: Crossing | None) -> tuple[str, str, str]:
    if one is None:
        return "-", "-", "-"
    deviations = "-" if one.standard_deviations is None else f"{one.standard_deviations:.2f}"
    return f"{one.move:+.2%}", "-" if one.price is None else f"{one.price:.8g}", deviations


def _move(one: Crossing) -> str:
    return f"{one.move:+.2%}" + ("" if one.price is None else f" ({one.price:.8g})")


@command(
    "marginrules resilience ACC-1 --stress '*:-20%:+50%'",
    "marginrules resilience ACC-1 --scenarios crashes --stress 'coins=BTC:-30%,ETH:-40%' --json",
)
@click.argument("account")
@_POOL
@click.option("--stress", "stresses", type=STRESS, multiple=True, help=_STRESS_HELP)
@click.option("--scenarios", multiple=True, help="Scenario table of the rulebook; each of its rows is a stress.")
@with_client
def resilience(
    account: str, pool: str, stresses: tuple[Stress, ...], scenarios: tuple[str, ...], as_json: bool, **connection: Any
) -> None:
    """Show which stresses ACCOUNT survives, and how much of each."""
    if not stresses and not scenarios:
        raise click.UsageError("give at least one --stress or --scenarios")
    with connect(connection) as client:
        found = client.resilience(account, pool, stresses=stresses, scenarios=scenarios)
    if as_json:
        print_json(found)
    elif _is_assessed(found.assessment):
        _print_resilience(found)


def _print_resilience(found: Resilience) -> None:
    rows = []
    for one in found.results:
        figures: tuple[str, ...] = ("-", "-", "-", _why(one.after))
        if one.after.is_valid:
            after = one.after
            figures = (amount(after.equity), amount(after.maintenance_margin), ratio(after.margin_ratio), after.step)
        survived = "yes" if one.survived else "no"
        multiple = "over 10" if one.multiple is None else f"{one.multiple:.3f}" if one.multiple else "below now"
        call = f"{amount(one.call)} by {one.call_step}" if one.call else "-"
        multiple = multiple if one.after.is_valid else "-"
        rows.append((one.stress, survived, multiple, *figures, call, amount(one.liquid_collateral)))
    title = f"survives {sum(one.survived for one in found.results)} of {len(found.results)}, worst is {found.worst}"
    print_table(title, _RESILIENCE_COLUMNS, rows)


_RESILIENCE_COLUMNS = (
    "stress",
    "survived",
    ">multiple",
    ">equity",
    ">maintenance margin",
    ">margin ratio",
    "step",
    ">call",
    ">liquid collateral",
)


@command(
    "marginrules vulnerable --stress '*:-20%'",
    "marginrules vulnerable --by loss-absorbing --count 50",
    "marginrules vulnerable --stress 'crash=BTC:-30%:+50%' --all --json",
)
@click.option("--stress", type=STRESS, help=_STRESS_HELP)
@click.option(
    "--by",
    type=click.Choice([one.name.lower().replace("_", "-") for one in Exposure]),
    default="margin-ratio",
    show_default=True,
    help="What the least is sought of.",
)
@click.option("--count", default=20, type=click.IntRange(1, _PAGE), show_default=True, help="How many to show.")
@click.option("--all", "show_all", is_flag=True, help="Show the whole book.")
@with_client
def vulnerable(stress: Stress | None, by: str, count: int, show_all: bool, as_json: bool, **connection: Any) -> None:
    """List the most exposed pools of the whole book first, as it stands or under a stress."""
    with connect(connection) as client:
        title, found = _most_exposed(client, stress, Exposure[by.upper().replace("-", "_")], count, show_all)
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = (
        (
            one.account_id,
            one.pool or "cross",
            _ratio_or_why(one.before),
            _ratio_or_why(one.after),
            amount(one.after.equity) if one.after.is_valid else "-",
            amount(one.after.maintenance_margin) if one.after.is_valid else "-",
            or_nothing(one.after.step),
            amount(one.gross_notional),
            "-" if one.loss_absorbing is None else f"{one.loss_absorbing:.2%}",
        )
        for one in found
    )
    print_table(title, _VULNERABLE_COLUMNS, rows)


_VULNERABLE_COLUMNS = (
    "account",
    "pool",
    ">margin ratio",
    ">after",
    ">equity",
    ">maintenance margin",
    "step",
    ">gross notional",
    ">loss absorbing",
)


def _most_exposed(
    client: Client, stress: Stress | None, by: Exposure, count: int, show_all: bool
) -> tuple[str, Iterable[VulnerablePool]]:
    page = client.vulnerable(stress, by, size=_PAGE if show_all else count)
    title = f"{page.count:,} pools, {page.breached:,} below maintenance margin, {page.unassessed:,} not assessed"
    found = list(page.pools)
    if show_all:
        with progress("ranking", page.count) as done:
            while page.next_token:
                done(len(found))
                page = client.vulnerable(stress, by, size=_PAGE, token=page.next_token)
                found += page.pools
    return title, found


@command(
    "marginrules ways-out ACC-1",
    "marginrules ways-out ACC-1 --restore 'ACC-1#1'",
    "marginrules ways-out ACC-1 --ratio 150% --json",
)
@click.argument("account")
@_POOL
@click.option(
    "--restore",
    default="initial_margin",
    show_default=True,
    help="What to reach: initial_margin, maintenance_margin, or the id of an open call.",
)
@click.option("--ratio", "target", type=RATE, help="Margin ratio to reach instead.")
@with_client
def ways_out(account: str, pool: str, restore: str, target: float | None, as_json: bool, **connection: Any) -> None:
    """Show what restores ACCOUNT: deposits, reductions, hedges, and the orders that still pass."""
    with connect(connection) as client:
        if target is not None:
            found = client.ways_out(account, pool, restore=_RATIO, ratio=target)
        else:
            found = client.ways_out(account, pool, restore=restore.replace("-", "_") if "#" not in restore else restore)
    if as_json:
        print_json(found)
    elif _is_assessed(found.assessment):
        _print_ways_out(found)


def _print_ways_out(found: WaysOut) -> None:
    click.echo(
        f"equity {amount(found.assessment.equity)}, required {amount(found.required)} for {found.restore}, "
        f"missing {amount(found.missing)}"
    )
    for title, columns, rows in (
        ("deposit one of", ("asset", ">amount", *_AFTER_COLUMNS), _deposit_rows(found)),
        ("reduce one of", ("what", "trades", ">notional", *_AFTER_COLUMNS), _reduction_rows(found)),
        ("buy one of", ("trade", ">premium", *_AFTER_COLUMNS), _hedge_rows(found)),
        ("largest orders", ("symbol", ">buy", ">sell"), _order_rows(found)),
    ):
        if rows:
            print_table(title, columns, rows)
    if found.cancel_orders:
        click.echo("cancelling the open orders is enough")


_AFTER_COLUMNS = (">equity after", ">initial margin", ">margin ratio")


def _deposit_rows(found: WaysOut) -> list[tuple[str, ...]]:
    return [
        (one.asset, "none is enough" if one.amount is None else f"{one.amount:f}", *_after(one.after))
        for one in found.deposits
    ]


def _reduction_rows(found: WaysOut) -> list[tuple[str, ...]]:
    return [
        (one.kind.replace("_", " "), ", ".join(map(_trade, one.trades)), amount(one.notional), *_after(one.after))
        for one in found.reductions
    ]


def _hedge_rows(found: WaysOut) -> list[tuple[str, ...]]:
    return [(_trade(one.trade), amount(one.premium), *_after(one.after)) for one in found.hedges]


def _order_rows(found: WaysOut) -> list[tuple[str, ...]]:
    return [(one.symbol, f"{one.buy:.12g}", f"{one.sell:.12g}") for one in found.largest_orders]


def _trade(one: Trade) -> str:
    return f"{one.quantity:+.12g} {one.symbol}"


def _after(one: PoolAssessment | None) -> tuple[str, str, str]:
    if one is None:
        return "-", "-", "-"
    return amount(one.equity), amount(one.initial_margin), ratio(one.margin_ratio)


def _ratio_or_why(one: PoolAssessment) -> str:
    return ratio(one.margin_ratio) if one.is_valid else _why(one)


def _why(one: PoolAssessment) -> str:
    return ", ".join(name.lower() for name in one.reasons.names)


def _is_assessed(one: PoolAssessment) -> bool:
    """Say in words why a pool has no figures."""
    if not one.is_valid:
        click.echo(f"cannot be assessed: {_why(one)}")
    return one.is_valid
