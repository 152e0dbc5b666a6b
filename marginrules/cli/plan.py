# SPDX-License-Identifier: Apache-2.0
"""What a change of the active rulebook would do, and the change itself: exactly so or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from marginrules.authoring import plan as planning
from marginrules.authoring.plan import Plan, PlannedCount, PlannedImpact
from marginrules.cli.common import FILE, command, connect, with_client
from marginrules.cli.output import print_json, print_table
from marginrules.client import Client
from marginrules.rulebook import load
from marginrules.rulebook.compare import Change
from marginrules.units import format_time

EXIT_CHANGES = 2
_COLOURS = {"stricter": "yellow", "looser": "magenta", "changed": "cyan"}
_DIGITS = 8


@command(
    "marginrules plan rulebook.yaml -o perps.plan",
    "marginrules plan rulebook.yaml --against active.yaml --detailed-exitcode",
)
@click.argument("file", type=FILE)
@click.option("--against", type=FILE, help="Compare with this rulebook, without a server.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to this file.")
@click.option("--lines", is_flag=True, help="Show the difference of the texts, too.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where a decision changes.")
@with_client
def plan(
    file: Path,
    against: Path | None,
    output: Path | None,
    lines: bool,
    detailed_exitcode: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """
    Say what changes, exactly, if FILE became the active rulebook.

    It is compared with what is active on the server, or with another file; a saved plan is carried out by
    `marginrules apply`, exactly so or not at all.
    """
    if against is not None:
        base = load(against.read_bytes(), str(against))
        made = planning.make_plan(base, file.read_bytes(), file.name, base_file=against.name)
    else:
        with connect(connection) as client:
            made = _planned(client, file)
    if output is not None:
        output.write_bytes(planning.write_plan(made))
    if as_json:
        print_json(_json(made))
    else:
        show(made, with_lines=lines)
        if output is not None:
            active = made.base.digest[:_DIGITS] or "none"
            click.echo(f"saved {output} (rulebook {made.digest[:_DIGITS]}, active {active})")
            click.echo(f"`marginrules apply {output}` does exactly this or nothing")
    if detailed_exitcode and not made.comparison.is_equivalent:
        sys.exit(EXIT_CHANGES)


def _planned(client: Client, file: Path) -> Plan:
    made = None
    for part in client.plan_rulebook(file.read_bytes(), file.name):
        if isinstance(part, Plan):
            made = part
        elif sys.stderr.isatty():
            click.echo(f"{part.what}: {part.done:,} of {part.total:,}\r", err=True, nl=False)
    if made is None:
        raise click.ClickException("the server ended before it had made the plan; try again")
    return made


@command("marginrules apply perps.plan --who 'J. Doe' --why 'RISK-412 thin books'")
@click.argument("file", type=FILE)
@click.option("--who", required=True, help="Who does that; it is recorded.")
@click.option("--why", required=True, help="Why; it is recorded.")
@with_client
def apply(file: Path, who: str, why: str, as_json: bool, **connection: Any) -> None:
    """
    Carry out the plan in FILE: exactly what it says, or nothing.

    Where another rulebook is active than the one that it was made against, it is refused and the difference is shown.
    """
    content = file.read_bytes()
    planning.read_plan(content)  # what is no plan need not be sent
    with connect(connection) as client:
        made = client.apply_plan(content, who, why)
    if as_json:
        print_json(made)
    else:
        click.echo(f"active: revision {made.revision}, digest {made.digest}")


# Showing


def show(made: Plan, *, with_lines: bool = False) -> None:
    """Print a plan as people read it."""
    found = made.comparison
    if found.changes:
        print_table("", ("", "where", "what", "before", "after", "for", ">line"), (_row(one) for one in found.changes))
    click.echo(click.style(planning.summary_words(found), bold=True))
    for one in found.text_only:
        click.echo(f"decides nothing: {one}")
    if with_lines:
        click.echo("\n".join(made.difference))
    if made.impact is not None:
        _show_impact(made.impact)


def _row(one: Change) -> tuple[str, ...]:
    place = one.after_line or one.before_line
    mark = (
        click.style(one.direction.upper(), fg=_COLOURS[one.direction]) if sys.stdout.isatty() else one.direction.upper()
    )
    return (
        mark,
        one.subject,
        one.term,
        one.before or "nothing",
        one.after or "nothing",
        one.range,
        str(place) if place else "",
    )


def _show_impact(one: PlannedImpact) -> None:
    click.echo("now: " + _counts(one.now))
    for words in one.largest:
        click.echo(f"    {words}")
    if one.past:
        click.echo(f"from {format_time(one.since_ns)} to {format_time(one.until_ns)}: " + _counts(one.past))


def _counts(counts: Iterable[PlannedCount]) -> str:
    return ", ".join(f"{one.what} {one.before:,} -> {one.after:,}" for one in counts) or "nobody is hit"


def _json(made: Plan) -> dict[str, Any]:
    """Return a plan as plain data, without the two texts."""
    found = made.comparison
    return {
        "verdict": found.verdict,
        "changes": [_change_json(one) for one in found.changes],
        "text_only": found.text_only,
        "base": {"name": made.base.name, "revision": made.base.revision, "digest": made.base.digest},
        "rulebook": {"name": made.name, "file": made.file, "digest": made.digest},
        "difference": made.difference,
        "impact": made.impact,
    }


def _change_json(one: Change) -> dict[str, Any]:
    return {
        "direction": one.direction,
        "term": one.term,
        "before": one.before,
        "after": one.after,
        "subject": one.subject,
        "products": one.products,
        "profiles": one.profiles,
        "ladder": one.ladder,
        "step": one.step,
        "asset": one.asset,
        "range": one.range,
        "before_line": one.before_line,
        "after_line": one.after_line,
    }
