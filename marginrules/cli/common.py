# SPDX-License-Identifier: Apache-2.0
"""What the commands share: exit codes, the shape of their help, and the options that lead to a server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from marginrules.client import Client, Stress, StressMove
from marginrules.client.rpc import ADDRESS
from marginrules.units import DAY_NS, parse_duration_ns, parse_rate, parse_timestamp_ns

EXIT_PROBLEMS = 1
EXIT_UNAVAILABLE = 69
EXIT_STORAGE = 70
_EXIT_CODES = """\b
Exit codes:
  0   done, nothing wrong
  1   problems were found, or the request was refused
  2   wrong usage
  69  no server answered
  70  the journal cannot be used
"""

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def command(*examples: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command with `--json`, examples and exit codes."""
    shown = "".join(f"  {example}\n" for example in examples)

    def decorate(function: Callable[..., None]) -> click.Command:
        with_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object in a line.")
        return click.command(epilog=f"\b\nExamples:\n{shown}\n{_EXIT_CODES}")(with_json(function))

    return decorate


class _Time(click.ParamType[int]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = value if isinstance(value, int) else parse_timestamp_ns(value)
        if found is None:
            self.fail(f"{value!r} is not a time such as 2026-12-01T00:00:00Z", param, ctx)
        return found


TIME = _Time()


class _Duration(click.ParamType[int]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = value if isinstance(value, int) else parse_duration_ns(value)
        if not found:
            self.fail(f"{value!r} is not a duration such as 1d or 4h", param, ctx)
        return found


DURATION = _Duration()


class _Rate(click.ParamType[float]):
    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = value if isinstance(value, float) else parse_rate(value)
        if found is None:
            self.fail(f"{value!r} is not a rate such as 150%", param, ctx)
        return float(found)


RATE = _Rate()


class _Stress(click.ParamType[Stress]):
    """Read `crash=BTC:-30%:+50%,*:-20%`: a name, then underlyings with price and volatility moves."""

    name = "stress"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Stress:
        if isinstance(value, Stress):
            return value
        name, is_named, moves = value.partition("=")
        return Stress(name, tuple(self._move(one, param, ctx) for one in (moves if is_named else value).split(",")))

    def _move(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> StressMove:
        underlying, *moves = text.strip().split(":")
        found = [parse_rate(one.strip()) for one in moves]
        if not underlying or not 1 <= len(found) <= 2 or None in found:
            self.fail(f"{text!r} is not a move such as BTC:-30% or BTC:-30%:+50%", param, ctx)
        return StressMove(underlying, *(float(one) for one in found if one is not None))


STRESS = _Stress()


class _Input(click.ParamType[tuple[str, float]]):
    """Read `closed=2`, `fee=5%`, `held=4h` (in days) and `hedged=yes`: what a figure is given."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        if isinstance(value, tuple):
            return value
        name, _, text = (part.strip() for part in value.partition("="))
        found = _number(text)
        if not name or found is None:
            self.fail(f"{value!r} is not an input such as closed=2, fee=5%, held=4h or hedged=yes", param, ctx)
        return name, found


def _number(text: str) -> float | None:
    if text in _YES_NO:
        return _YES_NO[text]
    rate = parse_rate(text)
    if rate is not None:
        return float(rate)
    duration_ns = parse_duration_ns(text)
    return None if duration_ns is None else duration_ns / DAY_NS


_YES_NO = {"yes": 1.0, "no": 0.0}
INPUT = _Input()


def with_client(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that lead to a server; the command takes them as `connection` for `connect`."""
    address = click.option(
        "--address",
        default=ADDRESS,
        envvar="MARGINRULES_ADDRESS",
        show_default=True,
        show_envvar=True,
        help="Host and port of the server.",
    )
    return address(_with_tls(function))


def with_server(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that lead to a server which is asked only where its address is given."""
    address = click.option("--address", help="Let the server at this host and port do it.")
    return address(_with_tls(function))


def _with_tls(function: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--tls-ca", "root_certificate", type=FILE, help="PEM file; it signed the server's certificate."),
        click.option("--tls-certificate", "client_certificate", type=FILE, help="PEM file that shows who asks."),
        click.option("--tls-key", "client_key", type=FILE, help="PEM file of its key."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def address_of(connection: dict[str, Any]) -> str:
    """Return the address of a server that has to be asked, whether or not one was given."""
    return connection["address"] or os.environ.get("MARGINRULES_ADDRESS") or ADDRESS


def connect(connection: dict[str, Any]) -> Client:
    """Return a client for the options of `with_client`."""
    try:
        return Client(**connection)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
