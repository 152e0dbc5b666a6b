# SPDX-License-Identifier: Apache-2.0
"""`marginrules calls migrate`: move open calls to the active revision, and see first what that would change."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from marginrules.cli.acts import sign, with_key
from marginrules.cli.common import command, connect, with_client
from marginrules.cli.desk import calls as on_calls
from marginrules.cli.output import moment, print_json, print_table
from marginrules.client import CallsMigration
from marginrules.service import acts
from marginrules.service.migrate import CallMove, PoolMove

_COLUMNS = ("pool", "steps", "steps after", "restriction after", "call", "becomes", ">amount", "due", "due after")


class _Calls(click.Group):
    """Take what is none of its commands as the arguments of the one that lists calls and acts on them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in self.commands:
            args = ["list", *args]
        return super().parse_args(ctx, args)


calls = _Calls("calls", help=on_calls.help, epilog=on_calls.epilog)


@command(
    "marginrules calls migrate --dry-run",
    "marginrules calls migrate ACC-1 ACC-2 --who jdoe --why 'the new deadlines are for them too'",
)
@click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Change nothing, and show what would change.")
@click.option("--who", default="", help="Who does that; it is recorded.")
@click.option("--why", default="", help="Why; it is recorded.")
@with_key
@with_client
def migrate(
    accounts: tuple[str, ...], dry_run: bool, who: str, why: str, key: Path | None, as_json: bool, **connection: Any
) -> None:
    """
    Move open calls of ACCOUNTs, or of all, to the active rulebook.

    A call keeps the rulebook it was made under until somebody does this. What is demanded stays, and no deadline gets
    shorter; a call whose step is gone, or does not call any more, ends.
    """
    if not dry_run and not (who and why):
        raise click.UsageError("moving calls needs --who and --why; --dry-run shows what would change")
    with connect(connection) as client:
        if dry_run:
            _show_preview(client.migrate_calls(accounts, dry_run=True).pools, as_json)
            return
        signed = sign(client, key, acts.migrate(accounts, client.status().active_digest), who, why)
        _show_moved(client.migrate_calls(accounts, who, why, signed=signed), as_json)


def _show_preview(pools: Iterable[PoolMove], as_json: bool) -> None:
    if as_json:
        for one in pools:
            print_json(one)
        return
    rows = [row for one in pools for row in _rows(one)]
    if rows:
        print_table("", _COLUMNS, rows)
    else:
        click.echo("no open call keeps an older rulebook")


def _rows(one: PoolMove) -> Iterable[tuple[str, ...]]:
    if one.hindrance:
        yield (one.pool, ", ".join(one.steps_before), f"stays: {one.hindrance}", *[""] * 6)
        return
    head = (one.pool, ", ".join(one.steps_before), ", ".join(one.steps_after), one.restriction_after.word)
    for call in one.calls:
        yield (*head, *_call_cells(call))
        head = ("", "", "", "")
    if not one.calls:
        yield (*head, *[""] * 5)


def _call_cells(call: CallMove) -> tuple[str, ...]:
    becomes = call.status.value if call.due_before_ns else "new"
    return (call.call_id, becomes, str(call.amount), moment(call.due_before_ns), moment(call.due_after_ns))


def _show_moved(made: CallsMigration, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    click.echo(f"moved: {made.moved} pools")
    for account, pool, why in made.left:
        click.echo(f"left: {'|'.join(filter(None, (account, pool)))}, {why}")


calls.add_command(on_calls, "list")
calls.add_command(migrate, "migrate")
