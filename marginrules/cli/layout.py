# SPDX-License-Identifier: Apache-2.0
"""The layout of rulebooks and their JSON Schema: `fmt` and `schema`."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import click

from marginrules.authoring.json_schema import modeline, schema_text
from marginrules.authoring.layout import format_text
from marginrules.cli.common import EXIT_PROBLEMS, command, connect, with_server
from marginrules.cli.output import print_diagnostics, print_json, replace_file
from marginrules.errors import InputError, RulebookError

_FILE_OR_DASH = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
_SCHEMA_FILE = ".marginrules/rulebook.schema.json"


@command("marginrules fmt rules/*/rulebook.yaml", "marginrules fmt --check --diff rulebook.yaml", "marginrules fmt -")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=_FILE_OR_DASH)
@click.option("--check", "is_check", is_flag=True, help="Write nothing; exit 1 where a file would change.")
@click.option("--diff", "with_diff", is_flag=True, help="Print what changes; with --check, what would.")
@with_server
@click.pass_context
def fmt(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    is_check: bool,
    with_diff: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """
    Write rulebooks in the canonical layout.

    What a rulebook means is not touched, nor is any comment lost. Files are replaced whole, or not at all. With - in
    the place of a file, the text comes from standard input and goes to standard output.
    """
    is_wrong = False
    for file in files:
        is_stream = str(file) == "-"
        name = "<stdin>" if is_stream else str(file)
        before = click.open_file("-", "rb").read() if is_stream else file.read_bytes()
        try:
            after = _laid_out(before, name, connection)
        except (InputError, RulebookError) as error:
            is_wrong = True
            _print_refusal(name, error, as_json=as_json)
            continue
        is_changed = after != before
        is_wrong |= is_check and is_changed
        diff = _difference(before, after, name) if with_diff and is_changed else ""
        if as_json:
            print_json({"file": name, "changed": is_changed, "diff": diff, "problem": ""})
        elif diff:
            click.echo(diff, nl=False)
        elif is_stream and not is_check:
            click.open_file("-", "wb").write(after)
        elif is_changed:
            click.echo(f"{name}: {'not in the canonical layout' if is_check else 'written'}")
        if is_changed and not is_check and not is_stream:
            replace_file(file, after)
    ctx.exit(EXIT_PROBLEMS if is_wrong else 0)


@command("marginrules schema", f"marginrules schema --output {_SCHEMA_FILE}")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, not to the screen."
)
@with_server
def schema(output: Path | None, as_json: bool, **connection: Any) -> None:
    """
    Print the JSON Schema of rulebooks.

    A rulebook whose first line names it is completed and explained by any editor with a YAML language server.
    """
    if connection["address"]:
        with connect(connection) as client:
            text = client.rulebook_schema()
    else:
        text = schema_text()
    if output is None:
        click.echo(text, nl=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(output, text.encode())
    first = modeline(str(output if output.is_absolute() else Path() / output))
    if as_json:
        print_json({"file": str(output), "modeline": first})
    else:
        click.echo(f"{output}: written; the first line of a rulebook in this folder:\n{first}")


def _laid_out(content: bytes, name: str, connection: dict[str, Any]) -> bytes:
    if not connection["address"]:
        return format_text(content, name)
    with connect(connection) as client:
        return client.format_rulebook(content, name)


def _print_refusal(name: str, error: InputError | RulebookError, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": name, "changed": False, "diff": "", "problem": str(error)})
        return
    if isinstance(error, RulebookError):
        print_diagnostics(error.diagnostics)
    click.echo(f"{name}: {error}", err=True)


def _difference(before: bytes, after: bytes, name: str) -> str:
    old, new = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(old, new, name, name))
