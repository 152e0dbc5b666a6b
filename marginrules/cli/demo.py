# SPDX-License-Identifier: Apache-2.0
"""
The demonstration: a real server, a thousand accounts over gRPC, and the real crash of February and March 2020.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from marginrules.cli.crash import Crash
from marginrules.client import Client
from marginrules.journal import read_entries
from marginrules.service.past import recompute
from marginrules.service.shard import Shard
from marginrules.units import format_amount

# The books that ship stand in the package, in a checkout (where it is a link to `rules/`) as in an installed one.
RULEBOOK = Path(__file__).parent.parent / "books" / "us-broker" / "rulebook.yaml"
START_SECONDS_MAX = 30.0


def run(rulebook: Path = RULEBOOK, accounts: int = 1_000, as_json: bool = False) -> int:
    """
    Play the crash, print what happened, and check the journal it left.

    Returns:
        0, or 1 where the journal does not replay to the same decisions.

    Raises:
        click.UsageError: the rulebook is not there.
    """
    if not rulebook.exists():
        raise click.UsageError(f"{rulebook} is missing: a whole checkout or an installed package has it")
    console = Console(quiet=as_json, soft_wrap=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="marginrules-demo-") as scratch:
        journal = Path(scratch, "demo.db")
        with _server(rulebook, journal) as port, Client(f"127.0.0.1:{port}") as client:
            console.print(
                f"server on 127.0.0.1:{port}, rulebook {rulebook.parent.name}, {accounts:,} accounts\n", highlight=False
            )
            crash = Crash(client, accounts, console)
            crash.load()
            crash.play()
            answers = crash.ask()
            still_open = sum(1 for _ in client.calls(only_open=True))
        entries = differences = 0
        for entry, difference in recompute(read_entries(journal), Shard()):
            entries, differences = entry.seq, differences + bool(difference)
    seconds = time.monotonic() - started
    if as_json:
        print_json(crash, answers, still_open, entries, differences, seconds)
    else:
        _summary(console, crash, answers, still_open)
        console.print(
            f"\njournal: {entries:,} entries, chain verified, every decision recomputed, {differences} differences"
            f"\n{seconds:.1f} s",
            highlight=False,
        )
    return 1 if differences else 0


def print_json(
    crash: Crash, answers: Counter[str], still_open: int, entries: int, differences: int, seconds: float
) -> None:
    """Print the summary as one JSON object."""
    summary = {
        "accounts": crash.outcomes(),
        "usd": {name: str(amount) for name, amount in crash.totals().items()},
        "days": [{"date": day.date, "close": day.close, **day.counts} for day in crash.story.days],
        "open_calls": still_open,
        "orders_asked": dict(answers),
        "journal_entries": entries,
        "replay_differences": differences,
        "seconds": round(seconds, 2),
    }
    sys.stdout.write(json.dumps(summary) + "\n")


def _summary(console: Console, crash: Crash, answers: Counter[str], still_open: int) -> None:
    table = Table(title="\nwhat became of them", title_justify="left")
    table.add_column("accounts that were")
    table.add_column("count", justify="right")
    for name, count in crash.outcomes().items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    money = Table()
    money.add_column("USD")
    money.add_column("amount", justify="right")
    for name, amount in crash.totals().items():
        money.add_row(name, format_amount(amount.quantize(Decimal("0.01"))))
    money.add_row("calls still open", f"{still_open:,}")
    console.print(money)
    asked = ", ".join(f"{count:,} {words}" for words, count in answers.most_common())
    console.print(f"may each buy 100 SPY more at the last close? {asked}", highlight=False)


@contextmanager
def _server(rulebook: Path, journal: Path) -> Iterator[int]:
    """Run `marginrules serve` in a process of its own on a free port, telling the time of the market."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "marginrules", "serve", str(rulebook), "--journal", str(journal)]
    command += ["--port", str(port), "--metrics-port", "0", "--clock", "market"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    try:
        _await_port(process, port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the server did not start; its own message stands above")
