# SPDX-License-Identifier: Apache-2.0
"""A rulebook in shadow: start it, end it, and read what it would do differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from marginrules.cli.acts import who_and_why
from marginrules.cli.common import FILE, command, connect, with_client
from marginrules.cli.output import amount, moment, or_nothing, print_json, print_table
from marginrules.client.methods_shadow import ShadowDifference, ShadowReport, ShadowVerdict

_SHOWN = 20
_WORDS = {
    "would_refuse": "accepted now would be refused",
    "would_accept": "refused now would be accepted",
    "other_reasons": "with the same verdict for other reasons",
}
_COLUMNS = ("when", "account", "order", "product", "now", "would be", "because of")


@click.group()
def shadow() -> None:
    """Ask a rulebook beside the active one, and read what it would do differently."""


@command("marginrules shadow start rulebook.yaml --who 'J. Doe' --why 'try the new rates for a week'")
@click.argument("file", type=FILE)
@who_and_why
@with_client
def start(file: Path, who: str, why: str, as_json: bool, **connection: Any) -> None:
    """
    Ask the rulebook in FILE beside the active one, in every check and settlement of a server.

    Nobody is told its answers; what differs is counted, and the newest differences are kept in memory. It ends when it
    is stopped or becomes active. A rulebook that was in shadow before makes room.
    """
    with connect(connection) as client:
        digest = client.start_shadow(file.read_bytes(), who, why, file.name)
    if as_json:
        print_json({"digest": digest})
    else:
        click.echo(f"in shadow: digest {digest}")


@command("marginrules shadow stop --who 'J. Doe' --why 'seen enough'")
@who_and_why
@with_client
def stop(who: str, why: str, as_json: bool, **connection: Any) -> None:
    """Ask the active rulebook alone again; what was counted is gone, so read the report before."""
    with connect(connection) as client:
        digest = client.stop_shadow(who, why)
    if as_json:
        print_json({"digest": digest})
    else:
        click.echo(f"no longer in shadow: digest {digest}")


@command("marginrules shadow report", "marginrules shadow report --last 200 --json")
@click.option("--last", type=click.IntRange(1, 1_000), default=_SHOWN, show_default=True, help="Differences shown.")
@with_client
def report(last: int, as_json: bool, **connection: Any) -> None:
    """Say what would be different, had the rulebook in shadow been active."""
    with connect(connection) as client:
        found = client.shadow_report(last)
    if as_json:
        print_json(found)
    else:
        print_report(found)


def print_report(one: ShadowReport) -> None:
    """Print a report for people."""
    click.echo(f"{one.rulebook} ({one.file}) in shadow since {moment(one.started_ns)}, by {one.who}: {one.why}")
    click.echo(f"compared with revision {one.active_revision} since {moment(one.since_ns)}")
    click.echo(_summary(one))
    if one.products:
        rows = ((f"{row.count:,}", _WORDS.get(row.kind, row.kind), or_nothing(row.product)) for row in one.products)
        print_table("by product", (">checks", "difference", "product"), rows)
    if one.levels:
        levels = (
            (or_nothing(row.step), or_nothing(row.shadow_step), f"{row.now:,}", f"{row.total:,}") for row in one.levels
        )
        print_table(f"steps by ratio, of {one.pools:,} pools", ("now at", "would be at", ">pools", ">ever"), levels)
    if one.differences:
        print_table("newest differences", _COLUMNS, (_difference(row) for row in one.differences))
    for name in one.misfits:
        click.echo(f"it could not be activated now, as it does not cover {name}")


def _summary(one: ShadowReport) -> str:
    """Write `12,345 checks compared, 17 differ: 15 accepted now would be refused, ...`."""
    kinds = [f"{count:,} {_WORDS.get(kind, kind)}" for kind, count in one.kinds.items() if count]
    total = sum(one.kinds.values())
    differ = f"{total:,} {'differs' if total == 1 else 'differ'}" if total else "none differs"
    text = f"{one.compared:,} {'check' if one.compared == 1 else 'checks'} compared, {differ}"
    return f"{text}: {', '.join(kinds)}" if kinds else text


def _difference(one: ShadowDifference) -> tuple[str, ...]:
    price = f" at {one.order.price:.12g}" if one.order.price else ""
    return (
        moment(one.time_ns),
        "|".join(filter(None, (one.account_id, one.pool))),
        f"{one.order.quantity:+.12g} {one.order.symbol}{price}",
        or_nothing(one.product),
        _verdict(one.active),
        _verdict(one.shadow),
        or_nothing(one.shadow.rule),
    )


def _verdict(one: ShadowVerdict) -> str:
    """Write a verdict: accepted or refused, why, and the figures behind it."""
    word = "accepted" if one.accepted else "refused"
    reasons = ", ".join(name.lower() for name in one.reasons.names)
    figures = f"equity {amount(one.equity)}, IM {amount(one.initial_margin)}" if one.rule else ""
    told = "; ".join(filter(None, (reasons, figures)))
    return f"{word} ({told})" if told else word


shadow.add_command(start, "start")
shadow.add_command(stop, "stop")
shadow.add_command(report, "report")
