# SPDX-License-Identifier: Apache-2.0
"""Rulebooks for people who do not read YAML: `docs`, and `export` and `import` for spreadsheets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from marginrules.authoring.document import FORMATS, describe
from marginrules.authoring.review import Review, export, review_files
from marginrules.cli.common import EXIT_PROBLEMS, FILE, command, connect, with_server
from marginrules.cli.output import print_diagnostics, print_json, replace_file
from marginrules.client.methods_document import TablesReview
from marginrules.errors import InputError
from marginrules.rulebook.compile import analyse
from marginrules.rulebook.diagnostic import render_json

_REVISION = click.option("--revision", type=click.IntRange(0), default=0, help="Of the server; else the active one.")
_OUT = click.Path(dir_okay=False, path_type=Path)


@command(
    "marginrules docs rulebook.yaml --output rulebook.html",
    "marginrules docs rulebook.yaml --format markdown",
    "marginrules docs --address 127.0.0.1:50051 --output active.html",
)
@click.argument("file", type=FILE, required=False)
@click.option("--format", "style", type=click.Choice(list(FORMATS)), default="html", show_default=True)
@_REVISION
@click.option("--output", type=_OUT, help="Write to this file, not to the screen.")
@with_server
def docs(file: Path | None, style: Any, revision: int, output: Path | None, as_json: bool, **connection: Any) -> None:
    """
    Write a readable page of a rulebook: ladders drawn, tiers as tables and charts.

    Of the rulebook in FILE; or, with --address, of one of a server, and then with who did what to it and why.
    """
    if connection["address"]:
        with connect(connection) as client:
            text = None if file is None else file.read_bytes()
            page = client.describe_rulebook(text, str(file or ""), revision=revision, style=style)
    elif file is None:
        raise click.UsageError("give FILE, or --address")
    else:
        page = FORMATS[style](describe(analyse(file.read_bytes(), str(file))))
    if as_json:
        print_json({"format": style, "page": page})
    elif output is None:
        click.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")
        click.echo(f"{output}: written")


@command(
    "marginrules export rulebook.yaml --output rulebook.xlsx",
    "marginrules export rulebook.yaml --csv tables",
    "marginrules export --address 127.0.0.1:50051 --output active.xlsx",
)
@click.argument("file", type=FILE, required=False)
@click.option("--output", type=_OUT, help="Workbook to write.")
@click.option("--csv", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder to write CSV files to.")
@_REVISION
@with_server
def export_tables(
    file: Path | None, output: Path | None, folder: Path | None, revision: int, as_json: bool, **connection: Any
) -> None:
    """Write tiers, thresholds and other numbers of a rulebook as a workbook or as CSV files."""
    if (output is None) == (folder is None):
        raise click.UsageError("give --output FILE.xlsx or --csv FOLDER")
    style: Any = "csv" if output is None else "xlsx"
    if connection["address"]:
        with connect(connection) as client:
            text = None if file is None else file.read_bytes()
            files = client.export_tables(text, str(file or ""), revision=revision, style=style)
    elif file is None:
        raise click.UsageError("give FILE, or --address")
    else:
        files = export(file.read_bytes(), str(file), style)
    written = []
    for name, content in files.items():
        path = output or (folder or Path()) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(str(path))
    if as_json:
        print_json({"files": written})
    for path_written in () if as_json else written:
        click.echo(f"{path_written}: written")


@command(
    "marginrules import rulebook.yaml rulebook.xlsx",
    "marginrules import rulebook.yaml tables/*.csv --write",
    "marginrules import --address 127.0.0.1:50051 rulebook.yaml active.xlsx",
)
@click.argument("book", metavar="RULEBOOK", type=FILE)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--write", "is_written", is_flag=True, help="Write RULEBOOK with the changes, once they were shown.")
@with_server
@click.pass_context
def import_tables(
    ctx: click.Context,
    /,
    book: Path,
    files: tuple[Path, ...],
    is_written: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """
    Show what the tables in FILE change in RULEBOOK, from which they were exported.

    Each change is shown with its line, then what all of them mean for decisions. Nothing is written without --write,
    and nothing at all where the rulebook would be refused.
    """
    content, given = book.read_bytes(), {one.name: one.read_bytes() for one in files}
    if len(given) != len(files):
        raise InputError("MR-I120", "two files had the same name", "give each table once")
    found: Review | TablesReview
    if connection["address"]:
        with connect(connection) as client:
            found = client.review_tables(given, content, str(book))
            text = found.text
    else:
        found = review_files(content, str(book), given)
        text = found.content
    is_done = is_written and bool(found.changes) and not found.diagnostics
    if is_done:
        replace_file(book, text)
    if as_json:
        told = {"changes": found.changes, "comparison": found.comparison, "written": is_done}
        print_json({"rulebook": str(book), **told, "diagnostics": render_json(found.diagnostics)})
    else:
        _print_review(book, found, is_done)
    ctx.exit(EXIT_PROBLEMS if found.diagnostics else 0)


def _print_review(book: Path, found: Review | TablesReview, is_done: bool) -> None:
    for one in found.changes:
        click.echo(f"{book}:{one.line}: {one.what}: {one.before or 'nothing'} -> {one.after or 'nothing'}")
    for words in found.comparison if found.changes else ():
        click.echo(f"  {words}")
    print_diagnostics(found.diagnostics)
    if not found.changes:
        click.echo("no change")
    elif found.diagnostics:
        click.echo(f"{book}: not written: the rulebook would be refused")
    else:
        click.echo(f"{book}: {'written' if is_done else 'not written: --write does it'}")
