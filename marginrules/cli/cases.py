# SPDX-License-Identifier: Apache-2.0
"""Run the cases that stand beside rulebooks, measure what they reach, and make cases of real decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from marginrules.authoring.cases import SuiteResult, run_suite
from marginrules.authoring.cases.files import Pair, is_cases, pair_of, pairs_in
from marginrules.authoring.cases.render import render_github, render_json, render_junit, render_text
from marginrules.cli.common import EXIT_PROBLEMS, RATE, command
from marginrules.cli.output import print_diagnostics, print_json
from marginrules.errors import RulebookError
from marginrules.rulebook import Program, load

_FORMATS = ("text", "json", "junit", "github")


@command(
    "marginrules test",
    "marginrules test rules/crypto-derivatives --coverage --threshold 90%",
    "marginrules test cases.yaml --run 'unmet call'",
    "marginrules test --format junit > cases.xml",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--run", "pattern", default="", help="Only cases with this in their name; * and ? stand for any text.")
@click.option("--stop", is_flag=True, help="Stop at the first failure.")
@click.option("--coverage", "with_coverage", is_flag=True, help="Say which tiers, steps and overrides no case reaches.")
@click.option("--threshold", type=RATE, help="Fail where less than this is reached, such as 90%.")
@click.option("--format", "shape", type=click.Choice(_FORMATS), default="text", show_default=True, help="How to print.")
@click.pass_context
def test(
    ctx: click.Context,
    files: tuple[Path, ...],
    pattern: str,
    stop: bool,
    with_coverage: bool,
    threshold: float | None,
    shape: str,
    as_json: bool,
) -> None:
    """
    Run the cases that stand beside rulebooks.

    FILE is a file of cases, a rulebook, or a folder with both; left out, the folder here, or rules/* in it. A file of
    cases belongs to the rulebook that it names, or to the one beside it: `cases.yaml` to `rulebook.yaml`,
    `x.cases.yaml` to `x.yaml`.
    """
    wanted = threshold if threshold is not None else 0.0 if with_coverage else None
    suites, refused = [], 0
    for cases, book in _pairs(files):
        try:
            suites.append(_run(cases, book, pattern, wanted is not None, stop))
        except RulebookError as error:
            print_diagnostics(error.diagnostics, err=True)
            click.echo(f"marginrules: {cases}: {error}", err=True)
            refused += 1
        if stop and (refused or suites[-1].failed):
            break
    _print(suites, "json" if as_json else shape, wanted)
    failed = refused or not all(one.is_passed(wanted or 0.0) for one in suites)
    ctx.exit(EXIT_PROBLEMS if failed else 0)


def _pairs(files: tuple[Path, ...]) -> list[Pair]:
    found = [] if files else pairs_in(Path())
    for one in files:
        pair = None if one.is_dir() else pair_of(one)
        more = pairs_in(one) if one.is_dir() else [pair] if pair else []
        if not more:
            what = "a rulebook beside it" if one.is_file() and is_cases(one) else "cases"
            raise click.UsageError(f"{one} has no {what}; see --help for the names")
        found += more
    if not found:
        raise click.UsageError("there are no cases here; name a file of cases or a rulebook")
    return list(dict.fromkeys(found))


def _run(cases: Path, book: Path, pattern: str, with_coverage: bool, stop: bool) -> SuiteResult:
    program: Program = load(book.read_bytes(), str(book))
    return run_suite(
        program,
        str(book),
        cases.read_bytes(),
        str(cases),
        pattern=pattern,
        with_coverage=with_coverage,
        stop_at_first=stop,
    )


def _print(suites: list[SuiteResult], shape: str, threshold: float | None) -> None:
    if shape == "json":
        print_json(render_json(suites, threshold))
        return
    render: dict[str, Any] = {"text": render_text, "junit": render_junit, "github": render_github}
    text = render[shape](suites, threshold)
    if shape == "text":
        text = text.replace("  FAIL  ", f"  {click.style('FAIL', fg='red', bold=True)}  ")
    if text:
        click.echo(text)
