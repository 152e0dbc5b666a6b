# SPDX-License-Identifier: Apache-2.0
"""What the margin desk sees of a server, and does with its calls."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import click

from marginrules.cli.common import TIME, command, connect, with_client
from marginrules.cli.output import amount, moment, or_nothing, print_json, print_table, ratio
from marginrules.client import Client, LadderEvent, MarginCall, PoolAssessment
from marginrules.model import CROSS, Account


@command(
    "marginrules accounts --escalated",
    "marginrules accounts ACC-1 --json",
    "marginrules accounts ACC-1 --transfer 5000 --asset USD --from cross --to options --who 'J. Doe' --why 'hedges'",
)
@click.argument("account", required=False)
@click.option("--escalated", is_flag=True, help="Only pools in a step of their ladder.")
@click.option("--transfer", type=click.FloatRange(0, min_open=True), help="Move this much between pools of ACCOUNT.")
@click.option("--asset", default="", help="Of the transfer.")
@click.option("--from", "source", default="", help="Pool that gives; `cross` for the cross pool.")
@click.option("--to", "target", default="", help="Pool that gets.")
@click.option("--who", default="", help="Who moves it.")
@click.option("--why", default="", help="Why it is moved.")
@with_client
def accounts(
    account: str | None,
    escalated: bool,
    transfer: float | None,
    asset: str,
    source: str,
    target: str,
    who: str,
    why: str,
    as_json: bool,
    **connection: Any,
) -> None:
    """List accounts as they stand, or show one ACCOUNT, or move collateral between its pools."""
    given = (asset, source, target, who, why)
    if (transfer is not None and not (account and all(given))) or (transfer is None and any(given)):
        raise click.UsageError("a transfer needs ACCOUNT, --transfer, --asset, --from, --to, --who and --why")
    with connect(connection) as client:
        if account is not None and transfer is not None:
            credited = client.transfer(account, _named(source), _named(target), asset, transfer, who, why)
            _show_transfer(account, credited, as_json)
            return
        if account is None:
            _list_accounts(client, escalated, as_json)
        else:
            _show_account(client, account, as_json)


def _list_accounts(client: Client, escalated: bool, as_json: bool) -> None:
    found = client.accounts(only_escalated=escalated)
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = ((one.account_id, one.account_class, *_pool_row(one.pool, one.assessment)) for one in found)
    print_table("", ("account", "class", *_POOL_COLUMNS), rows)


def _show_account(client: Client, name: str, as_json: bool) -> None:
    account = client.get_account(name)
    standing = {pool.name: client.assess(name, pool.name, liquidation_prices=True) for pool in account.pools}
    if as_json:
        print_json({"account": account, "assessments": standing})
        return
    title = f"{account.account_id}, class {account.account_class}, sequence {account.sequence}"
    print_table(title, _POOL_COLUMNS, (_pool_row(pool, one) for pool, one in standing.items()))
    for heading, columns, rows in (
        ("balances", ("pool", "asset", ">amount"), _balance_rows(account)),
        ("positions", _POSITION_COLUMNS, _position_rows(account, standing)),
        ("open orders", _ORDER_COLUMNS, _order_rows(account)),
    ):
        if rows:
            print_table(heading, columns, rows)


_POOL_COLUMNS = (
    "pool",
    ">equity",
    ">initial margin",
    ">maintenance margin",
    ">margin ratio",
    "step",
    "restriction",
    "next step",
    ">distance",
)
_POSITION_COLUMNS = ("pool", "symbol", ">quantity", ">entry price", ">leverage", ">liquidation price")
_ORDER_COLUMNS = ("pool", "order", "symbol", ">quantity", ">price", "reduce only", "expires")
_CALL_COLUMNS = ("call", "step", "kind", "status", ">amount", ">deposited", "due", "acknowledged by")


def _pool_row(pool: str, one: PoolAssessment) -> tuple[str, ...]:
    """Write a pool; no figure is shown of one that cannot be assessed, but why."""
    figures: tuple[str, ...] = ("-", "-", "-", ", ".join(name.lower() for name in one.reasons.names))
    distance = "-"
    if one.is_valid:
        figures = (
            amount(one.equity),
            amount(one.initial_margin),
            amount(one.maintenance_margin),
            ratio(one.margin_ratio),
        )
        distance = amount(one.next_step_distance) if one.next_step else "-"
    step = or_nothing(one.ladder_step or one.step)
    return (_pool(pool), *figures, step, one.restriction.word, or_nothing(one.next_step), distance)


def _show_transfer(account: str, credited: Decimal, as_json: bool) -> None:
    if as_json:
        print_json({"account": account, "credited": credited})
    else:
        click.echo(f"{account}: moved; it adds {credited} to the equity of the pool that got it")


def _named(pool: str) -> str:
    """Return a pool's name as the service has it."""
    return CROSS if pool == "cross" else pool


def _pool(name: str) -> str:
    return name or "cross"


def _balance_rows(account: Account) -> list[tuple[str, ...]]:
    return [(_pool(pool.name), asset, f"{value:.12g}") for pool in account.pools for asset, value in pool.balances]


def _position_rows(account: Account, standing: dict[str, PoolAssessment]) -> list[tuple[str, ...]]:
    marks = {(pool, at.symbol): at.price for pool, one in standing.items() for at in one.liquidation_prices}
    return [
        (
            _pool(pool.name),
            one.symbol,
            f"{one.quantity:.12g}",
            f"{one.entry_price:.12g}",
            f"{one.leverage:g}" if one.leverage else "-",
            "-" if (mark := marks.get((pool.name, one.symbol))) is None else f"{mark:.12g}",
        )
        for pool in account.pools
        for one in pool.positions
    ]


def _order_rows(account: Account) -> list[tuple[str, ...]]:
    return [
        (
            _pool(pool.name),
            one.client_order_id,
            one.symbol,
            f"{one.quantity:.12g}",
            f"{one.price:.12g}" if one.price else "mark",
            "yes" if one.reduce_only else "no",
            moment(one.expires_ns),
        )
        for pool in account.pools
        for one in pool.orders
    ]


@command(
    "marginrules calls",
    "marginrules calls --all --account ACC-1 --json",
    "marginrules calls 'ACC-1#1' --extend-to 2026-12-01T17:00:00Z --who 'J. Doe' --why 'wire is on its way'",
    "marginrules calls 'ACC-1#1' --deposit 5000 --asset USD --who 'J. Doe' --why 'wire received'",
)
@click.argument("call", required=False)
@click.option("--all", "show_all", is_flag=True, help="Closed calls too.")
@click.option("--account", default="", help="Only calls of this account.")
@click.option("--acknowledge", is_flag=True, help="Record that the client has seen CALL.")
@click.option("--extend-to", type=TIME, help="Move the deadline of CALL to this time.")
@click.option("--dispute-until", type=TIME, help="Hold the deadline of CALL up until this time.")
@click.option("--deposit", type=click.FloatRange(0, min_open=True), help="Record that this much came in for CALL.")
@click.option("--asset", default="", help="Of the deposit.")
@click.option("--waive", is_flag=True, help="Give CALL up.")
@click.option("--who", default="", help="Who does that.")
@click.option("--why", default="", help="Why.")
@with_client
def calls(
    call: str | None,
    show_all: bool,
    account: str,
    acknowledge: bool,
    extend_to: int | None,
    dispute_until: int | None,
    deposit: float | None,
    asset: str,
    waive: bool,
    who: str,
    why: str,
    as_json: bool,
    **connection: Any,
) -> None:
    """List open calls, show one CALL, or act on it; `marginrules calls migrate` moves them to the active rulebook."""
    acts: list[Callable[[Client, str], MarginCall]] = []
    if acknowledge:
        acts.append(lambda client, name: client.acknowledge(name, who, why))
    if extend_to is not None:
        acts.append(lambda client, name: client.extend(name, extend_to, who, why))
    if dispute_until is not None:
        acts.append(lambda client, name: client.dispute(name, dispute_until, who, why))
    if deposit is not None:
        acts.append(lambda client, name: _deposit(client, name, asset, deposit, who, why))
    if waive:
        acts.append(lambda client, name: client.waive(name, who, why))
    if len(acts) > 1:
        raise click.UsageError("of --acknowledge, --extend-to, --dispute-until, --deposit and --waive, give one")
    if (deposit is not None) != bool(asset):
        raise click.UsageError("a deposit needs --deposit and --asset")
    if acts and not (call and who and why):
        raise click.UsageError("an act needs CALL, --who and --why")
    with connect(connection) as client:
        if call is None:
            found: Iterable[MarginCall] = client.calls(only_open=not show_all, account=account)
        else:
            found = [acts[0](client, call) if acts else client.get_call(call)]
        _print_calls(found, as_json)


def _deposit(client: Client, name: str, asset: str, amount: float, who: str, why: str) -> MarginCall:
    """Record a deposit in the pool that was called; return the call as it stands then."""
    called = client.get_call(name)
    client.deposit(called.account_id, asset, amount, who, why, called.pool)
    return client.get_call(name)


def _print_calls(found: Iterable[MarginCall], as_json: bool) -> None:
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = (
        (
            one.call_id,
            one.step,
            one.kind,
            one.status.value,
            amount(one.amount),
            amount(one.deposited),
            moment(max(one.due_ns, one.disputed_until_ns)),
            or_nothing(one.acknowledged_by),
        )
        for one in found
    )
    print_table("", _CALL_COLUMNS, rows)


@command("marginrules watch", "marginrules watch --after 16777217 --until-now --json")
@click.option("--after", default=0, type=click.IntRange(0), help="Position of the last event that was handled.")
@click.option("--until-now", is_flag=True, help="End with what has happened by now.")
@with_client
def watch(after: int, until_now: bool, as_json: bool, **connection: Any) -> None:
    """Follow what the ladders do and people do to the rulebook until interrupted, from the beginning or a position."""
    with connect(connection) as client, contextlib.suppress(KeyboardInterrupt):
        for one in client.watch(after, until_now):
            if as_json:
                print_json(one)
            else:
                click.echo(_event_line(one))


def _act_of_a_person(one: LadderEvent) -> str:
    """Write what was done with a rulebook: which one, by whom and why."""
    named = (f"{key} {one.details[key]}" for key in ("file", "who", "why") if one.details.get(key))
    return ", ".join(named)


def _event_line(one: LadderEvent) -> str:
    """Write an event in one line: when, where, what, and the rule behind it."""
    parts = [
        f"{one.position:>12}",
        moment(one.time_ns),
        click.style(f"{one.kind:<20}", bold=True),
        one.call_id or one.change_id or "|".join(filter(None, (one.account_id, one.pool))),
        one.step,
        amount(one.amount) if one.amount is not None else "",
        f"due {moment(one.due_ns)}" if one.due_ns else "",
        ", ".join(f"{fill.quantity:+.12g} {fill.symbol}" for fill in one.orders),
        f"({one.ladder}:{one.line})" if one.ladder else _act_words(one),
    ]
    return "  ".join(part for part in parts if part)


def _act_words(one: LadderEvent) -> str:
    """Say who did something to the rulebook, and why; or why it was not done."""
    details = one.details
    said = f"{details['who']}: {details['why']}" if "who" in details and "why" in details else details.get("why", "")
    return str(said or details.get("message", ""))
