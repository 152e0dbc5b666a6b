# SPDX-License-Identifier: Apache-2.0
"""The life of a change from the command line: propose, amend, approve, activate, and how everything stands."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from marginrules.cli.acts import by_a_person, sign, sign_act
from marginrules.cli.common import DURATION, FILE, TIME, command, connect, with_client
from marginrules.cli.output import moment, or_nothing, print_json, print_table
from marginrules.client import RulebookChange, RulebookStatus
from marginrules.errors import InputError
from marginrules.service import acts, signing

_COLUMNS = ("change", "state", "rulebook", "verdict", "authors", "approved by", "needs", "proposed", "why")


@click.group()
def change() -> None:
    """Propose a change of the rulebook, have it approved, activate it."""


@command("marginrules change propose rulebook.yaml --who jdoe --why 'RISK-412: thin books'")
@click.argument("file", type=FILE)
@click.option("--base", default="", help="Digest of the book that was edited.  [default: the active one]")
@by_a_person
@with_client
def propose(file: Path, base: str, who: str, why: str, key: Path | None, as_json: bool, **connection: Any) -> None:
    """
    Put the rulebook in FILE forward.

    It is checked, compared with the active book, and waits for the approvals that the policy asks for.
    """
    text = file.read_bytes()
    with connect(connection) as client:
        base = base or client.status().active_digest
        signed = sign(client, key, acts.propose(file.name, _decoded(text), base), who, why)
        _show(client.propose_change(text, who, why, file.name, base, signed=signed), as_json)


@command("marginrules change amend CH-3 rulebook.yaml --who jdoe --why 'on the active text'")
@click.argument("change_id", metavar="CHANGE")
@click.argument("file", type=FILE)
@click.option("--base", default="", help="Digest of the book that was edited.  [default: the active one]")
@by_a_person
@with_client
def amend(
    change_id: str, file: Path, base: str, who: str, why: str, key: Path | None, as_json: bool, **connection: Any
) -> None:
    """
    Give CHANGE the text in FILE.

    Every approval it had is gone, and whoever edits is an author from now on.
    """
    text = file.read_bytes()
    with connect(connection) as client:
        base = base or client.status().active_digest
        signed = sign(client, key, acts.amend(change_id, file.name, _decoded(text), base), who, why)
        _show(client.amend_change(change_id, text, who, why, file.name, base, signed=signed), as_json)


@command("marginrules change approve CH-3 --who asmith --why 'figures checked'")
@click.argument("change_id", metavar="CHANGE")
@click.option("--text", "digest", default="", help="Digest of the text you read.  [default: of the text as it is]")
@by_a_person
@with_client
def approve(
    change_id: str, digest: str, who: str, why: str, key: Path | None, as_json: bool, **connection: Any
) -> None:
    """
    Agree to CHANGE; nobody who wrote or amended it can.

    Read it first: marginrules change show CHANGE. With its text digest, what was edited meanwhile is not approved.
    """
    with connect(connection) as client:
        found = client.get_change(change_id)[0]
        signed = sign_act(client, key, "approve", found, who, why)
        _show(client.approve_change(change_id, digest or found.text_digest, who, why, signed=signed), as_json)


@command("marginrules change withdraw CH-3 --who jdoe --why 'no longer wanted'")
@click.argument("change_id", metavar="CHANGE")
@by_a_person
@with_client
def withdraw(change_id: str, who: str, why: str, key: Path | None, as_json: bool, **connection: Any) -> None:
    """Give CHANGE up."""
    with connect(connection) as client:
        signed = sign_act(client, key, "withdraw", client.get_change(change_id)[0], who, why)
        _show(client.withdraw_change(change_id, who, why, signed=signed), as_json)


@command(
    "marginrules change apply CH-3 --who jdoe --why 'approved'",
    "marginrules change apply CH-3 --at 2026-12-01T00:00:00Z --who jdoe --why 'from December on'",
    "marginrules change apply CH-3 --not-at-its-time --who jdoe --why 'wait for the audit'",
)
@click.argument("change_id", metavar="CHANGE")
@click.option("--at", type=TIME, help="Activate it at this time.  [default: now]")
@click.option("--not-at-its-time", "never", is_flag=True, help="Take back that it is activated at a time.")
@by_a_person
@with_client
def apply_change(
    change_id: str,
    at: int | None,
    never: bool,
    who: str,
    why: str,
    key: Path | None,
    as_json: bool,
    **connection: Any,
) -> None:
    """
    Activate CHANGE, now or at a time, once it is approved.

    Where that fails at its time, the active book stays, and an event says so.
    """
    if never and at is not None:
        raise click.UsageError("of --at and --not-at-its-time, give one")
    kind = "unschedule" if never else "apply" if at is None else "schedule"
    with connect(connection) as client:
        found = client.get_change(change_id)[0]
        signed = sign_act(client, key, kind, found, who, why, at or 0)
        if never:
            changed = client.unschedule_change(change_id, who, why, signed=signed)
        elif at is None:
            changed = client.apply_change(change_id, who, why, found.text_digest, signed=signed)
        else:
            changed = client.schedule_change(change_id, at, who, why, found.text_digest, signed=signed)
        _show(changed, as_json)


@command("marginrules change list", "marginrules change list --all --json")
@click.option("--all", "show_all", is_flag=True, help="Those that are over too.")
@with_client
def list_changes(show_all: bool, as_json: bool, **connection: Any) -> None:
    """List changes that are open, oldest first."""
    with connect(connection) as client:
        found = list(client.changes(only_open=not show_all))
    if as_json:
        for one in found:
            print_json(one)
        return
    print_table("", _COLUMNS, (_row(one) for one in found))


@command("marginrules change show CH-3", "marginrules change show CH-3 --text > proposed.yaml")
@click.argument("change_id", metavar="CHANGE")
@click.option("--text", "only_text", is_flag=True, help="Print its text and nothing else.")
@with_client
def show(change_id: str, only_text: bool, as_json: bool, **connection: Any) -> None:
    """Show CHANGE: what it does, who wrote and approved it, what it needs."""
    with connect(connection) as client:
        found, text = client.get_change(change_id)
    if only_text:
        click.echo(text.decode(), nl=False)
    else:
        _show(found, as_json)


def _decoded(text: bytes) -> str:
    """Return a text to be signed; one that is not UTF-8 is refused by the server, with its place."""
    return text.decode("utf-8", "replace")


def _row(one: RulebookChange) -> tuple[str, ...]:
    return (
        one.change_id,
        one.state.value,
        one.name,
        one.verdict,
        ", ".join(one.authors),
        or_nothing(", ".join(item.who for item in one.approvals)),
        or_nothing(needs_words(one)),
        moment(one.proposed_ns),
        one.why,
    )


def needs_words(one: RulebookChange) -> str:
    """Say what a change still needs."""
    return " and ".join(need.words for need in one.needs)


def _show(one: RulebookChange, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    lines = [
        ("change", f"{one.change_id}, {one.state.value}"),
        ("rulebook", f"{one.name}, from {one.file}"),
        ("why", one.why),
        ("authors", ", ".join(one.authors)),
        ("proposed", moment(one.proposed_ns)),
        ("verdict", f"{one.verdict}, against {one.base[:12] or 'no book'}"),
        *(("", words) for words in one.differences),
        *(("approved", f"{item.who}, {moment(item.time_ns)}: {item.why}") for item in one.approvals),
        ("needs", needs_words(one)),
        ("activates", f"{moment(one.scheduled_ns)}, by {one.scheduled_by}" if one.scheduled_ns else ""),
        ("revision", str(one.revision or "")),
        ("failed", one.failure),
        ("text", one.text_digest),
    ]
    _print_lines(lines)


def _print_lines(lines: Iterable[tuple[str, str]]) -> None:
    for name, words in lines:
        if words:
            click.echo(f"{name:<10}  {words}")


# How everything stands


@command("marginrules status", "marginrules status --json")
@with_client
def status(as_json: bool, **connection: Any) -> None:
    """Say what is active since when and by whom, what is scheduled, and what waits for approval."""
    with connect(connection) as client:
        found = client.status()
    if as_json:
        print_json(found)
        return
    _print_lines(_status_lines(found))
    if found.pending:
        print_table("pending", _COLUMNS, (_row(one) for one in found.pending))


def _status_lines(found: RulebookStatus) -> Iterable[tuple[str, str]]:
    active, before, policy, glass = found.active, found.previous, found.policy, found.broken_glass
    if glass:
        head = f"{glass.change_id} is active without approval until {moment(glass.until_ns)}; then revision"
        yield "GLASS", click.style(f"{head} {glass.fallback_revision} is back", fg="red", bold=True)
    if active is None:
        yield "active", "none"
    else:
        yield "active", f"{active.name}, revision {active.revision}, digest {active.digest[:12]}, from {active.file}"
        yield "since", f"{moment(active.activated_ns)}, {active.act} by {active.who}: {active.why}"
        yield "change", active.change_id
        yield "approved", ", ".join(f"{one.who} ({moment(one.time_ns)})" for one in active.approvals)
    if before:
        yield "before", f"{before.name}, revision {before.revision}, digest {before.digest[:12]}"
    for one in found.pending:
        if one.scheduled_ns:
            yield "scheduled", f"{one.change_id} at {moment(one.scheduled_ns)}, by {one.scheduled_by}"
    if policy:
        asked = [one.words for one in policy.always] + [f"{one.words} where looser" for one in policy.looser]
        signed = "signed" if policy.is_signed else "not signed"
        yield "policy", f"{policy.name or 'without a name'}: {signed}, {' and '.join(asked) or 'no approval'}"
    if found.failed_activations:
        yield "failed", f"{found.failed_activations} activations that were due"


@command("marginrules break-glass rulebook.yaml --who jdoe --why 'exchange outage'")
@click.argument("file", type=FILE)
@click.option(
    "--expires", type=DURATION, help="How long it stays unless it is approved.  [default: as the policy says]"
)
@by_a_person
@with_client
def break_glass(
    file: Path, expires: int | None, who: str, why: str, key: Path | None, as_json: bool, **connection: Any
) -> None:
    """
    Activate the rulebook in FILE at once, without approval.

    Everybody sees it. Unless it is approved until it expires, the book before comes back by itself.
    """
    text = file.read_bytes()
    with connect(connection) as client:
        act = acts.break_glass(file.name, _decoded(text), client.status().active_digest, expires or 0)
        signed = sign(client, key, act, who, why)
        made, until_ns = client.break_glass(text, who, why, file.name, expires or 0, signed=signed)
    if as_json:
        print_json({"change": made, "until_ns": until_ns})
        return
    click.secho(f"{made.change_id} is active without approval until {moment(until_ns)}", fg="red", bold=True)
    click.echo(f"it needs {needs_words(made)}: marginrules change approve {made.change_id}")


@click.group()
def key() -> None:
    """Keys that acts on the rulebook are signed with."""


@command("marginrules key new jdoe.pem")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def new_key(file: Path, as_json: bool) -> None:
    """
    Make a private key in FILE, and print its public key for the policy.

    Only its owner may read FILE. A file that is there already is left as it is.
    """
    pem, public = signing.new_key()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError("MR-I120", f"{file} is there already", "give another name") from None
    with os.fdopen(handle, "wb") as out:
        out.write(pem)
    if as_json:
        print_json({"file": str(file), "public_key": public})
    else:
        click.echo(public)


for one in (propose, amend, approve, withdraw, show):
    change.add_command(one)
change.add_command(apply_change, "apply")
change.add_command(list_changes, "list")
key.add_command(new_key, "new")
