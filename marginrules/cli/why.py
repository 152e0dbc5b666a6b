# SPDX-License-Identifier: Apache-2.0
"""Why a decision came out as it did, and whether it would again: of a server, a journal, or a file of decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from marginrules.cli.common import EXIT_PROBLEMS, FILE, TIME, command, connect, with_client
from marginrules.cli.output import print_json, progress
from marginrules.client.methods_explain import decode_decision
from marginrules.errors import InputError, JournalCorruptError, RulebookError
from marginrules.journal import count_entries, read_entries
from marginrules.model import CROSS, Order
from marginrules.server.handlers_explain import explanation
from marginrules.service import border
from marginrules.service.decision_log import read_decisions
from marginrules.service.past import recompute, shard_at
from marginrules.service.record import Data, record, redecide, restore
from marginrules.service.shard import Shard
from marginrules.service.why import DecisionExplanation, explain_decision

_DIFFERENCES_SHOWN = 20


class _OrderText(click.ParamType[Order]):
    """Read `BTC-PERP:-2` and `BTC-PERP:-2@50000`."""

    name = "symbol:quantity[@price]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Order:
        if isinstance(value, Order):
            return value
        symbol, _, rest = value.rpartition(":")
        quantity, _, price = rest.partition("@")
        try:
            return border.order_of("asked", symbol, float(quantity), float(price or 0.0), 0.0, False, 0)
        except (ValueError, InputError):
            self.fail(f"{value!r} is not an order such as BTC-PERP:-2 or BTC-PERP:-2@50000", param, ctx)


@command(
    "marginrules explain ACC-1",
    "marginrules explain ACC-1 --order BTC-PERP:-2@50000 --leverage 20",
    "marginrules explain ACC-1 --at 2026-11-21T14:03:07Z",
    "marginrules explain ACC-1 --at 2026-11-21T14:03:07Z --journal backup.db",
    "marginrules explain --decisions decisions.jsonl --line 12",
)
@click.argument("account", default="")
@click.option("--pool", default=CROSS, help="Name of another pool; the cross pool where it is left out.")
@click.option("--order", type=_OrderText(), help="Explain the answer to this order; negative sells.")
@click.option("--leverage", type=click.FloatRange(1), help="Setting that the order has.")
@click.option("--at", "time_ns", type=TIME, default=0, help="As it was then, instead of now.")
@click.option("--journal", type=FILE, help="Ask a journal and no server.")
@click.option("--decisions", type=FILE, help="Explain a decision of a file that `serve --decisions` wrote.")
@click.option("--line", type=click.IntRange(1), default=1, show_default=True, help="Which line of that file.")
@click.option("--record", "as_record", is_flag=True, help="Print the decision with everything it was made from.")
@with_client
def explain(
    account: str,
    pool: str,
    order: Order | None,
    leverage: float | None,
    time_ns: int,
    journal: Path | None,
    decisions: Path | None,
    line: int,
    as_record: bool,
    as_json: bool,
    **connection: Any,
) -> None:
    """Say in plain words why ACCOUNT is where it is, why not further, what comes next and what would clear it."""
    if not account and decisions is None:
        raise click.UsageError("give ACCOUNT, or --decisions FILE")
    if order is not None and leverage is not None:
        order = order._replace(leverage=leverage)
    if decisions is not None:
        found, data = _from_file(decisions, line)
    elif journal is not None:
        found, data = _from_journal(journal, account, pool, order, time_ns)
    else:
        with connect(connection) as client:
            if as_record:
                click.echo(client.record_decision(account, pool, order))
                return
            _print(client.explain(account, pool, order, time_ns=time_ns), as_json)
            return
    if as_record:
        click.echo(json.dumps(data, allow_nan=False, ensure_ascii=False))
    else:
        # Written and read as a server's answer is, so that the same question prints the same.
        _print(decode_decision(explanation(found)), as_json)


def _print(found: Any, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        for words in found.words:
            click.echo(words)


def _from_file(path: Path, line: int) -> tuple[DecisionExplanation, Data]:
    texts: dict[str, str] = {}
    with path.open(encoding="utf-8") as lines:
        for number, data in read_decisions(lines, texts):
            if number == line:
                one = restore(data, texts)
                return explain_decision(one.shard, one.account, one.pool_name, one.time_ns, one.order), data
    raise InputError("MR-I102", f"{path} has no decision on line {line}")


def _from_journal(
    path: Path, account: str, pool: str, order: Order | None, time_ns: int
) -> tuple[DecisionExplanation, Data]:
    with progress("looking back", count_entries(path)) as done:
        shard, last_ns = shard_at(read_entries(path), time_ns or None, done)
    moment = time_ns or last_ns
    return explain_decision(shard, account, pool, moment, order), record(shard, account, pool, moment, order)


@command(
    "marginrules replay marginrules.db",
    "marginrules replay decisions.jsonl",
    "marginrules replay --json backup.db",
)
@click.argument("file", type=FILE)
@click.pass_context
def replay(ctx: click.Context, file: Path, as_json: bool) -> None:
    """
    Recompute every recorded decision of a journal, or of a file that `serve --decisions` wrote.

    Decisions of a journal are the answers to orders that were to be held, everything the ladders did, and every act on
    the rulebook. Works on a copy, and while a server holds the file.
    """
    with file.open("rb") as opened:
        is_journal = opened.read(1) not in (b"{", b"")  # a file of decisions may be empty yet
    entries, decisions, differences = _replay_journal(file) if is_journal else _replay_decisions(file)
    shown = differences[:_DIFFERENCES_SHOWN]
    if as_json:
        what = "journal" if is_journal else "file"
        found = {what: str(file), "entries": entries, "decisions": decisions, "differences": len(differences)}
        print_json({**found, "first": shown})
    else:
        click.echo(f"entries      {entries}\ndecisions    {decisions}\ndifferences  {len(differences)}")
        for difference in shown:
            click.echo(difference)
    ctx.exit(EXIT_PROBLEMS if differences else 0)


def _replay_journal(file: Path) -> tuple[int, int, list[str]]:
    entries = decisions = 0
    differences: list[str] = []
    with progress("replaying", count_entries(file)) as done:
        try:
            for entry, difference in recompute(read_entries(file), Shard()):
                entries += 1
                decisions += entry.event_count + (entry.kind == "hold")
                if difference:
                    differences.append(f"entry {entry.seq}: {difference}")
                done(entries)
        except (InputError, RulebookError, JournalCorruptError) as error:
            # What cannot be applied at all leaves nothing to judge the rest by.
            differences.append(f"entry {entries + 1}: {error}")
    return entries, decisions, differences


def _replay_decisions(file: Path) -> tuple[int, int, list[str]]:
    count, differences, texts = 0, list[str](), dict[str, str]()
    with file.open(encoding="utf-8") as lines, progress("replaying", _lines_of(file)) as done:
        for number, data in read_decisions(lines, texts):
            difference = redecide(data, texts)
            if difference:
                differences.append(f"line {number}: {difference}")
            count += 1
            done(count)
    return count, count, differences


def _lines_of(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
