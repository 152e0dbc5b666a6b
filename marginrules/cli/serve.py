# SPDX-License-Identifier: Apache-2.0
"""`marginrules serve`: a server in the foreground."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from marginrules.cli.common import FILE, command
from marginrules.cli.output import print_json, progress
from marginrules.limits import every_limit
from marginrules.server.app import Server
from marginrules.server.settings import Settings
from marginrules.service.policy import Policy


@command(
    "marginrules serve rules/crypto-derivatives/rulebook.yaml --journal marginrules.db",
    "marginrules serve --journal marginrules.db --host 0.0.0.0 --tls-certificate server.pem --tls-key server.key",
)
@click.argument("rulebook", required=False, type=FILE)
@click.option("--policy", type=FILE, help="Who may change the rulebook.  [default: what the journal has, or everybody]")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the journal.  [default: a temporary one]",
)
@click.option(
    "--decisions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to append every check to, to be explained and replayed; checks then take turns.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="To listen on; any but loopback needs TLS.")
@click.option("--port", default=50051, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option(
    "--metrics-port", default=9464, show_default=True, type=click.IntRange(0, 65535), help="For Prometheus; 0: none."
)
@click.option(
    "--clock",
    default="system",
    show_default=True,
    type=click.Choice(["system", "market"]),
    help="Where time comes from: the system, or the market updates.",
)
@click.option("--tls-certificate", type=FILE, help="PEM file.")
@click.option("--tls-key", type=FILE, help="PEM file.")
@click.option("--tls-client-ca", type=FILE, help="PEM file; clients must show a certificate that it signed.")
@click.option("--reflection/--no-reflection", default=True, show_default=True, help="Let clients list the services.")
@click.option("--drain-seconds", default=10.0, show_default=True, help="How long running requests may take at the end.")
@click.option("--limits", is_flag=True, help="Print every limit, and do nothing else.")
def serve(limits: bool, as_json: bool, **options: Any) -> None:
    """
    Serve until interrupted.

    RULEBOOK is activated where the journal has no active one yet; without it the server waits for one. A journal keeps
    the one that is active: to switch, see `marginrules rulebook activate`.
    """
    if limits:
        _print_limits(as_json)
        return
    server = Server(Settings(**options))
    with progress("restoring", server.journal.seq) as done:
        server.start(done)
    sys.exit(server.run(lambda: _announce(server, as_json)))


def _print_limits(as_json: bool) -> None:
    if as_json:
        print_json(every_limit())
        return
    for name, value in every_limit().items():
        click.echo(f"{name} = {value:_}")


def _announce(server: Server, as_json: bool) -> None:
    _warn_of_another(server)
    settings, active = server.settings, server.service.shard.active
    shown = {
        "rulebook": active.program.name if active else "",
        "revision": active.number if active else 0,
        "digest": active.program.digest if active else "",
        "address": f"{settings.host}:{server.port}",
        "metrics": f"http://127.0.0.1:{server.metrics_port}/metrics" if server.metrics_port else "",
        "journal": str(settings.journal or ""),
        "policy": policy_words(server.service.shard.changes.policy),
        "keeps_another_rulebook": server.keeps_another,
    }
    if as_json:
        print_json(shown)
        return
    name = f"{shown['rulebook']}, revision {shown['revision']}" if active else "none; activate one"
    click.echo(f"rulebook  {name}")
    for key, otherwise in (
        ("digest", ""),
        ("policy", ""),
        ("address", ""),
        ("metrics", ""),
        ("journal", "temporary: gone at the end"),
    ):
        if text := shown[key] or otherwise:
            click.echo(f"{key:<8}  {text}")


def policy_words(policy: Policy | None) -> str:
    """Say in one line what a policy asks for; nothing for none."""
    if policy is None:
        return ""
    demands = [("", policy.always), (" if looser", policy.looser)]
    asked = " and ".join(f"{one.words}{when}" for when, one in demands if one) or "no approval"
    return f"{policy.name or 'without a name'}, {'signed' if policy.is_signed else 'not signed'}, {asked}"


def _warn_of_another(server: Server) -> None:
    """Say so where the rulebook that was given is not the one that is served."""
    settings, active = server.settings, server.service.shard.active
    if not server.keeps_another or active is None:
        return
    click.echo(
        f"marginrules: {settings.rulebook} is not served: {settings.journal} keeps revision {active.number} active"
        f" ({active.program.name}, from {active.file}), and the file differs from it. To switch:\n"
        f"  marginrules rulebook activate {shlex.quote(str(settings.rulebook))}"
        f" --address {settings.host}:{server.port} --who NAME --why REASON",
        err=True,
    )
