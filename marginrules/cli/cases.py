# SPDX-License-Identifier: Apache-2.0
"""Run the cases that stand beside rulebooks, measure what they reach, and make cases of real decisions."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from marginrules.authoring.cases import SuiteResult, run_suite
from marginrules.authoring.cases.files import Pair, is_cases, pairs_in, pairs_of
from marginrules.authoring.cases.record import record_case
from marginrules.authoring.cases.render import as_report, render_text
from marginrules.authoring.cases.suite import is_passed
from marginrules.authoring.report import FORMATS, render
from marginrules.cli.common import EXIT_PROBLEMS, RATE, address_of, command, connect, with_server
from marginrules.cli.mutants import books_of, make_boundaries, on_server, on_this_machine, try_books
from marginrules.cli.output import print_diagnostics, print_json
from marginrules.errors import InputError, RulebookError
from marginrules.model import CROSS
from marginrules.rulebook import load
from marginrules.service.decision_log import read_decisions

_LINE_OF = re.compile(r"(.+):(\d+)")


@command(
    "marginrules test",
    "marginrules test rules/crypto-derivatives --coverage --threshold 90%",
    "marginrules test cases.yaml --run 'unmet call'",
    "marginrules test cases.yaml --active --address 127.0.0.1:50051",
    "marginrules test --format junit > cases.xml",
    "marginrules test --record decisions.jsonl:12 >> cases.yaml",
    "marginrules test --record ACC-1 >> cases.yaml",
    "marginrules test rulebook.yaml --boundaries --write",
    "marginrules test rulebook.yaml --mutants --threshold 95%",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--run", "pattern", default="", help="Only cases with this in their name; * and ? stand for any text.")
@click.option("--stop", is_flag=True, help="Stop at the first failure.")
@click.option("--coverage", "with_coverage", is_flag=True, help="Say which tiers, steps and overrides no case reaches.")
@click.option("--threshold", type=RATE, help="Fail where less than this is reached, such as 90%.")
@click.option("--format", "shape", type=click.Choice(FORMATS), default="text", show_default=True, help="How to print.")
@click.option("--active", is_flag=True, help="Test the server's active rulebook, not the one beside the cases.")
@click.option(
    "--record",
    "recorded",
    metavar="SOURCE",
    help="Print a case of a line of a file of decisions, FILE:LINE, or of an account.",
)
@click.option("--mutants", is_flag=True, help="Move each threshold a little, and list the moves that no case notices.")
@click.option("--boundaries", is_flag=True, help="Print cases at, just below and just above every threshold.")
@click.option("--write", is_flag=True, help="Write --boundaries beside the rulebook instead, to boundaries.yaml.")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, help="Processes for these two.")
@click.option("--name", default="", help="Of the case that is recorded.")
@click.option("--pool", default=CROSS, help="Of the account that is recorded; the cross pool where it is left out.")
@with_server
@click.pass_context
def test(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    pattern: str,
    stop: bool,
    with_coverage: bool,
    threshold: float | None,
    shape: str,
    active: bool,
    recorded: str | None,
    name: str,
    pool: str,
    mutants: bool,
    boundaries: bool,
    write: bool,
    jobs: int,
    as_json: bool,
    **connection: Any,
) -> None:
    """
    Run the cases that stand beside rulebooks.

    FILE is a file of cases, a rulebook, or a folder with both; left out, the folder here, or rules/* in it. A file of
    cases belongs to the rulebook that it names, or to the one beside it: `cases.yaml` to `rulebook.yaml`,
    `x.cases.yaml` to `x.yaml`.
    """
    if recorded is not None:
        _record(recorded, name, pool, as_json, connection)
        return
    if mutants or boundaries:
        books = books_of(_pairs(files, False) if mutants else [], files)
        run_on = on_server(connection, jobs) if connection["address"] else on_this_machine(jobs)
        ctx.exit(try_books(books, threshold, run_on, as_json) if mutants else make_boundaries(books, run_on, write))
    if active and not connection["address"]:
        connection["address"] = address_of(connection)
    wanted = threshold if threshold is not None else 0.0 if with_coverage else None
    options = {"pattern": pattern, "with_coverage": wanted is not None, "stop_at_first": stop}
    suites, refused = [], 0
    for cases, book in _pairs(files, active):
        try:
            run = _run_there if connection["address"] else _run_here
            suites.append(run(cases, None if active else book, options, connection))
        except RulebookError as error:
            print_diagnostics(error.diagnostics, err=True)
            click.echo(f"marginrules: {cases}: {error}", err=True)
            refused += 1
        if stop and (refused or suites[-1].failed):
            break
    _print(suites, "json" if as_json else shape, wanted)
    ctx.exit(0 if not refused and is_passed(suites, wanted or 0.0) else EXIT_PROBLEMS)


def _pairs(files: tuple[Path, ...], active: bool) -> list[Pair]:
    if active and files and all(one.is_file() and is_cases(one) for one in files):
        return [(one, one) for one in files]  # needs no rulebook beside it
    found = [] if files else pairs_in(Path())
    for one in files:
        more = pairs_in(one) if one.is_dir() else pairs_of(one)
        if not more:
            what = "a rulebook beside it" if one.is_file() and is_cases(one) else "cases"
            raise click.UsageError(f"{one} has no {what}; see --help for the names")
        found += more
    if not found:
        raise click.UsageError("there are no cases here; name a file of cases or a rulebook")
    return list(dict.fromkeys(found))


def _run_here(cases: Path, book: Path | None, options: dict[str, Any], connection: dict[str, Any]) -> SuiteResult:
    del connection
    if book is None:
        raise click.UsageError("--active asks a server")
    return run_suite(load(book.read_bytes(), str(book)), str(book), cases.read_bytes(), str(cases), **options)


def _run_there(cases: Path, book: Path | None, options: dict[str, Any], connection: dict[str, Any]) -> SuiteResult:
    text, file = (book.read_bytes(), str(book)) if book else (b"", "active")
    with connect(connection) as client:
        return client.run_cases(cases.read_bytes(), text, cases_file=str(cases), rulebook_file=file, **options)


def _print(suites: list[SuiteResult], shape: str, threshold: float | None) -> None:
    if shape == "text":
        text = render_text(suites, threshold).replace("  FAIL  ", f"  {click.style('FAIL', fg='red', bold=True)}  ")
    else:
        text = render(as_report(suites, threshold), shape)
    if text:
        click.echo(text)


def _record(source: str, name: str, pool: str, as_json: bool, connection: dict[str, Any]) -> None:
    match = _LINE_OF.fullmatch(source)
    path, line = (Path(match[1]), int(match[2])) if match else (Path(source), 1)
    if path.is_file():
        text = _from_file(path, line, name)
    else:
        with connect({**connection, "address": address_of(connection)}) as client:
            text = client.record_case(source, pool, name=name)
    if as_json:
        print_json({"case": text})
    else:
        click.echo(text, nl=False)


def _from_file(path: Path, line: int, name: str) -> str:
    texts: dict[str, str] = {}
    with path.open(encoding="utf-8") as lines:
        for number, data in read_decisions(lines, texts):
            if number == line:
                return record_case(data, texts, name)
    raise InputError("MR-I102", f"line was {line}", f"{path} has no decision there")
