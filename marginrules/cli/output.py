# SPDX-License-Identifier: Apache-2.0
"""How results are printed: tables and colour for people, JSON lines for programs, progress only on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from marginrules.codes import Reason
from marginrules.rulebook.diagnostic import Diagnostic, render_text
from marginrules.units import format_amount, format_rate, format_time

_WIDTH_PIPED = 300
_PROGRESS_EVERY = 256
_NOTHING = "-"


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


def plain(value: Any) -> Any:
    """Return a record as plain data: exact decimals as text, enumerations by name."""
    if is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Reason):
        return [name.lower() for name in value.names]
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; a column whose heading begins with `>` is aligned to the right."""
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _WIDTH_PIPED
    Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False).print(table)


def print_diagnostics(diagnostics: Iterable[Diagnostic], err: bool = False) -> None:
    """Print problems of rulebooks, coloured on a terminal."""
    for one in diagnostics:
        head, *rest = render_text([one]).split("\n")
        place, mark, message = head.partition(f"error[{one.code}]")
        click.echo(click.style(place, bold=True) + click.style(mark, fg="red", bold=True) + message, err=err)
        for index, line in enumerate(rest):
            click.echo(click.style(line, fg=(None, "red", "cyan")[index] if one.source else "cyan"), err=err)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield what is to be told how many are done; shows a bar on standard error where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(file=sys.stderr)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def done(count: int) -> None:
            if count % _PROGRESS_EVERY == 0:
                bar.update(task, completed=count)

        yield done


def amount(value: float | Decimal) -> str:
    """Write an amount to the cent, or as exactly as it is."""
    return format_amount(value if isinstance(value, Decimal) else Decimal(f"{value:.2f}"))


def ratio(value: float | None) -> str:
    """Write a margin ratio; None where nothing is required."""
    return format_rate(float("inf") if value is None else value)


def moment(time_ns: int) -> str:
    """Write a time; nothing for 0."""
    return format_time(time_ns) if time_ns else _NOTHING


def or_nothing(text: str) -> str:
    """Write a dash for an empty text."""
    return text or _NOTHING


def replace_file(file: Path, content: bytes) -> None:
    """Replace a file whole: whoever reads it meanwhile sees the old text or the new one."""
    file = file.resolve()
    number, made = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(made).chmod(file.stat().st_mode if file.exists() else 0o644)
        Path(made).replace(file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(made).unlink()
        raise
