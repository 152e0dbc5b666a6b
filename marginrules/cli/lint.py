# SPDX-License-Identifier: Apache-2.0
"""What is wrong with rulebooks, as written and in what they mean, and the page of each rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from marginrules.authoring.lint import Finding, Level, lint
from marginrules.authoring.lint.pages import find_page, pages
from marginrules.authoring.report import FORMATS, Case, Remark, Report, RuleHelp, Suite, render, render_remark
from marginrules.cli.common import EXIT_PROBLEMS, FILE, command, connect, with_server
from marginrules.cli.output import print_json, print_table
from marginrules.errors import RulebookError
from marginrules.rulebook import Diagnostic, load, render_json

_COLOURS = {"error": "red", "warning": "yellow", "note": "blue"}


def with_format(function: Callable[..., None]) -> Callable[..., None]:
    """Add the option that says how findings are printed; `--json` is `--format json`."""
    about = "How findings are printed: for people, programs, build servers, code scanners, GitHub Actions."
    return click.option("--format", "style", type=click.Choice(FORMATS), default="text", show_default=True, help=about)(
        function
    )


def print_report(report: Report, style: str) -> None:
    """Print a report, coloured on a terminal where it is for people."""
    if style != "text":
        text = render(report, style)
        if text:
            click.echo(text)
        return
    for suite in report.suites:
        for remark in suite.remarks:
            head, *rest = render_remark(remark).split("\n")
            mark = f"{remark.level}[{remark.rule}]"
            place, _, message = head.partition(mark)
            colour = _COLOURS[remark.level]
            click.echo(click.style(place, bold=True) + click.style(mark, fg=colour, bold=True) + message)
            for index, line in enumerate(rest):
                click.echo(click.style(line, fg=(None, colour, "cyan")[index] if remark.source else "cyan"))
        click.echo(suite.summary)


@command(
    "marginrules check rules/*/rulebook.yaml",
    "marginrules check --json rulebook.yaml",
    "marginrules check --format sarif rulebook.yaml > check.sarif",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@with_format
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], style: str, as_json: bool) -> None:
    """Check rulebooks and report every problem at its place."""
    suites = tuple(_checked(file) for file in files)
    print_report(_report("check", suites), "json" if as_json else style)
    ctx.exit(EXIT_PROBLEMS if any(list(suite.remarks) for suite in suites) else 0)


def _checked(file: Path) -> Suite:
    name, digest = "", ""
    found: tuple[Diagnostic, ...] = ()
    try:
        program = load(file.read_bytes(), str(file))
        name, digest = program.name, program.digest
    except RulebookError as error:
        found = error.diagnostics
    remarks = tuple(
        Remark(
            one.file, one.place.line, one.place.column, one.place.width, one.code, "error", one.message, one.hint,
            one.source,
        )
        for one in found
    )  # fmt: skip
    summary = f"{file}: {_counted(len(found), 'problem')}" if found else f"{file}: ok, {name} {digest}"
    data = {"file": str(file), "rulebook": name, "digest": digest, "diagnostics": render_json(found)}
    return Suite(str(file), _cases("check", remarks), summary, data)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _cases(tool: str, remarks: tuple[Remark, ...]) -> tuple[Case, ...]:
    """Return one case for each thing that was found, or one that is fine."""
    return tuple(Case(f"{one.rule} line {one.line}", (one,)) for one in remarks) or (Case(tool),)


def _report(tool: str, suites: tuple[Suite, ...]) -> Report:
    named = {remark.rule for suite in suites for remark in suite.remarks}
    known = {rule: page for rule, page in pages().items() if rule in named}
    helps = {rule: RuleHelp(page.title, page.level, page.markdown) for rule, page in known.items()}
    return Report(tool, suites, helps)


@command(
    "marginrules lint rules/*/rulebook.yaml",
    "marginrules lint --against active.yaml rulebook.yaml",
    "marginrules lint --address 127.0.0.1:50051 --against-active rulebook.yaml",
    "marginrules lint --format github --fail-level error rulebook.yaml",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--against", type=FILE, help="The former rulebook: find what moved far from it.")
@click.option("--against-active", is_flag=True, help="Compare with the active rulebook of the server.")
@click.option(
    "--fail-level",
    type=click.Choice([one.word for one in Level if one]),
    default="warning",
    show_default=True,
    help="Least level that makes the exit code 1.",
)
@with_format
@with_server
def lint_books(
    files: tuple[Path, ...],
    against: Path | None,
    against_active: bool,
    fail_level: str,
    style: str,
    as_json: bool,
    **connection: Any,
) -> None:
    """
    Judge what rulebooks mean.

    Where the checker refuses one, its problems are shown: nothing can be said about what it means. The level of a rule
    is set in the rulebook, with a reason: `lint: {MR-L103: {level: off, because: ...}}`.
    """
    if against_active and not connection["address"]:
        raise click.UsageError("--against-active needs --address: the server has the active rulebook")
    if against_active and against:
        raise click.UsageError("give --against or --against-active, not both")
    former = against.read_bytes() if against else None
    judged: list[tuple[Path, list[Finding]]] = []
    if connection["address"]:
        with connect(connection) as client:
            for file in files:
                text = file.read_bytes()
                found = client.lint_rulebook(text, str(file), against=former or b"", against_active=against_active)
                judged.append((file, found))
    else:
        judged = [(file, list(lint(file.read_bytes(), str(file), former))) for file in files]
    print_report(_report("lint", tuple(_linted(*one) for one in judged)), "json" if as_json else style)
    least = Level[fail_level.upper()]
    click.get_current_context().exit(
        EXIT_PROBLEMS if any(one.level >= least for _, found in judged for one in found) else 0
    )


def _linted(file: Path, found: list[Finding]) -> Suite:
    remarks = tuple(
        Remark(
            one.file, one.place.line, one.place.column, one.place.width, one.rule, one.level.word, one.message,
            one.hint, one.source,
        )
        for one in found
    )  # fmt: skip
    counts = [(level, sum(one.level is level for one in found)) for level in reversed(Level)]
    summary = ", ".join(_counted(count, level.word) for level, count in counts if count) or "ok"
    findings = [
        {
            "file": one.file,
            "line": one.place.line,
            "column": one.place.column,
            "width": one.place.width,
            "rule": one.rule,
            "level": one.level.word,
            "message": one.message,
            "hint": one.hint,
            "source": one.source,
            "names": list(one.names),
            "because": one.because,
        }
        for one in found
    ]
    return Suite(str(file), _cases("lint", remarks), f"{file}: {summary}", {"file": str(file), "findings": findings})


@command("marginrules rule", "marginrules rule MR-L112", "marginrules rule R312")
@click.argument("name", default="", metavar="[RULE]")
def rule(name: str, as_json: bool) -> None:
    """Show the page of a rule: what it finds, an example of it, and why; without RULE, list all rules."""
    if not name and not as_json:
        print_table("", ("rule", "level", "what"), ((one.rule, one.level, one.title) for one in pages().values()))
        return
    for page in [find_page(name)] if name else pages().values():
        if as_json:
            print_json(page)
        else:
            click.echo(page.markdown, nl=False)
