# SPDX-License-Identifier: Apache-2.0
"""The group of all commands, and what each kind of failure means for the exit code."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from marginrules import __version__
from marginrules.cli.cases import test
from marginrules.cli.change import break_glass, change, key, status
from marginrules.cli.common import EXIT_PROBLEMS, EXIT_STORAGE, EXIT_UNAVAILABLE, command
from marginrules.cli.desk import accounts, watch
from marginrules.cli.explain import figures, margin, words
from marginrules.cli.layout import fmt, schema
from marginrules.cli.lint import check, lint_books, rule
from marginrules.cli.local import verify
from marginrules.cli.market import closes
from marginrules.cli.migrate import calls
from marginrules.cli.output import print_diagnostics
from marginrules.cli.plan import apply, plan
from marginrules.cli.risk import distance, resilience, vulnerable, ways_out
from marginrules.cli.rulebook import rulebook
from marginrules.cli.serve import serve
from marginrules.cli.shadow import shadow
from marginrules.cli.why import explain, replay
from marginrules.client import ServerError
from marginrules.errors import MarginRulesError, RulebookError, StorageError


class _Commands(click.Group):
    """Turn our exceptions into a message and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MarginRulesError as error:
            if isinstance(error, RulebookError):
                print_diagnostics(error.diagnostics, err=True)
            click.echo(f"marginrules: {error}", err=True)
            ctx.exit(_exit_code(error))


def _exit_code(error: MarginRulesError) -> int:
    if isinstance(error, StorageError):
        return EXIT_STORAGE
    is_unreachable = isinstance(error, ServerError) and error.is_unreachable
    return EXIT_UNAVAILABLE if is_unreachable else EXIT_PROBLEMS


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="marginrules")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Margin call escalation from YAML rulebooks."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False


@command("marginrules demo")
def demo(as_json: bool) -> None:
    """Play the crash of 2020 with 1,000 accounts against a server of its own."""
    raise SystemExit(importlib.import_module("marginrules.cli.demo").run(as_json=as_json))


for one in (
    serve,
    check,
    test,
    rule,
    fmt,
    schema,
    demo,
    rulebook,
    plan,
    apply,
    change,
    status,
    break_glass,
    key,
    shadow,
    accounts,
    calls,
    watch,
    distance,
    resilience,
    vulnerable,
    ways_out,
    explain,
    margin,
    figures,
    words,
    closes,
    replay,
    verify,
):
    main.add_command(one)
main.add_command(lint_books, "lint")
