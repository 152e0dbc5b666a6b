# SPDX-License-Identifier: Apache-2.0
"""What needs no server: verify a journal's chain."""

from __future__ import annotations

from pathlib import Path

import click

from marginrules.cli.common import EXIT_PROBLEMS, FILE, command
from marginrules.cli.output import print_json, progress
from marginrules.errors import JournalCorruptError
from marginrules.journal import count_entries, read_entries, verify_chain


@command("marginrules verify marginrules.db", "marginrules verify --json backup.db")
@click.argument("journal", type=FILE)
@click.pass_context
def verify(ctx: click.Context, journal: Path, as_json: bool) -> None:
    """
    Verify the chain of hashes of a journal.

    Works on a copy, and while a server holds the file. Compare the head with one that was noted before: a journal that
    was cut off at its end still has a chain that holds.
    """
    count, head, problem = 0, "", ""
    with progress("verifying", count_entries(journal)) as done:
        try:
            count, last = verify_chain(read_entries(journal), done)
            head = last.hex()
        except JournalCorruptError as error:
            problem = str(error)
    if as_json:
        print_json({"journal": str(journal), "entries": count, "head": head, "problem": problem})
    elif problem:
        click.echo(f"{journal}: {problem}")
    else:
        click.echo(f"entries  {count}\nhead     {head}")
    ctx.exit(EXIT_PROBLEMS if problem else 0)
