# SPDX-License-Identifier: Apache-2.0
"""The rulebooks of a running server: which there were, switch to another, switch back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from marginrules.cli.acts import by_a_person, sign_rollback, who_and_why
from marginrules.cli.common import FILE, command, connect, with_client
from marginrules.cli.output import moment, print_json, print_table
from marginrules.client import Activation

_COLUMNS = (">revision", "active", "rulebook", "file", "activated", "who", "why", "approved by", "digest")


@click.group()
def rulebook() -> None:
    """List the rulebooks of a server, activate one, roll back."""


@command("marginrules rulebook list", "marginrules rulebook list --json")
@with_client
def list_revisions(as_json: bool, **connection: Any) -> None:
    """List every revision, oldest first."""
    with connect(connection) as client:
        found = client.rulebooks()
    if as_json:
        for one in found:
            print_json(one)
        return
    rows = (
        (
            str(one.revision),
            "yes" if one.is_active else "",
            one.name,
            one.file,
            moment(one.activated_ns),
            one.who,
            one.why,
            ", ".join(item.who for item in one.approvals) or ("-" if one.is_approved else "nobody"),
            one.digest,
        )
        for one in found
    )
    print_table("", _COLUMNS, rows)


@command("marginrules rulebook activate rulebook.yaml --who 'J. Doe' --why 'new rates for small coins'")
@click.argument("file", type=FILE)
@who_and_why
@with_client
def activate(file: Path, who: str, why: str, as_json: bool, **connection: Any) -> None:
    """
    Switch a server to the rulebook in FILE.

    Where it is refused, every problem is shown and the active one stays. Open calls keep the rulebook they began under.
    """
    with connect(connection) as client:
        _print_activation(client.activate_rulebook(file.read_bytes(), who, why, file.name), as_json)


@command(
    "marginrules rulebook rollback --who 'J. Doe' --why 'rates were too low'",
    "marginrules rulebook rollback 3 --who 'J. Doe' --why 'rates were too low' --key jdoe.pem",
)
@click.argument("revision", type=click.IntRange(1), required=False)
@by_a_person
@with_client
def roll_back(revision: int | None, who: str, why: str, key: Path | None, as_json: bool, **connection: Any) -> None:
    """
    Switch a server one step back, or to an earlier REVISION.

    Its text becomes a new revision, so that the list tells what was active when.
    """
    with connect(connection) as client:
        number, signed = revision or 0, None
        if key is not None:
            number, signed = sign_rollback(client, key, number, who, why)
        _print_activation(client.roll_back_rulebook(number, who, why, signed=signed), as_json)


def _print_activation(made: Activation, as_json: bool) -> None:
    if as_json:
        print_json(made)
    else:
        click.echo(f"active: revision {made.revision}, digest {made.digest}")


rulebook.add_command(list_revisions, "list")
rulebook.add_command(activate, "activate")
rulebook.add_command(roll_back, "rollback")
