# SPDX-License-Identifier: Apache-2.0
"""What a server is told about the market from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from marginrules.cli.common import FILE, command, connect, with_client
from marginrules.cli.output import moment, print_json
from marginrules.client.closes import in_batches, read_closes


@command("marginrules closes spy_daily.csv --name SPY", "marginrules closes today.csv --name SPY --append")
@click.argument("file", type=FILE)
@click.option("--name", required=True, help="Underlying, or symbol of an instrument.")
@click.option("--column", default="close", show_default=True, help="Column of the closes; the dates stand in 'date'.")
@click.option("--append", is_flag=True, help="Keep the closes that are known; these are newer.")
@with_client
def closes(file: Path, name: str, column: str, append: bool, as_json: bool, **connection: Any) -> None:
    """Publish closing prices from a CSV FILE, for historical scenarios."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        series = read_closes(lines, name, column)
    count = 0
    with connect(connection) as client:
        for part in in_batches(series):
            count += client.publish_closes([part], replace=not append and not count)
    first, last = moment(series.times_ns[0]), moment(series.times_ns[-1])
    if as_json:
        print_json({"name": name, "count": count, "first_ns": series.times_ns[0], "last_ns": series.times_ns[-1]})
    else:
        click.echo(f"{name}: {count:,} closes from {first} to {last}")
