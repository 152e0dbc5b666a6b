# SPDX-License-Identifier: Apache-2.0
"""What the acts of a person on a rulebook share: who and why, and the key they are signed with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from marginrules.cli.common import FILE
from marginrules.client import Client, RulebookChange
from marginrules.errors import InputError
from marginrules.service import acts, signing
from marginrules.service.acts import Act, Signed


def who_and_why(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every act of a person needs."""
    why = click.option("--why", required=True, help="Why; it is recorded.")
    who = click.option("--who", required=True, help="Who does that; it is recorded.")
    return who(why(function))


def by_a_person(function: Callable[..., None]) -> Callable[..., None]:
    """Add them, and the key to sign with."""
    return who_and_why(with_key(function))


def with_key(function: Callable[..., None]) -> Callable[..., None]:
    """Add the key to sign with."""
    shown = "Private key to sign with, where the policy asks for it."
    return click.option("--key", type=FILE, envvar="MARGINRULES_KEY", show_envvar=True, help=shown)(function)


def sign(client: Client, key: Path | None, act: Act, who: str, why: str) -> Signed | None:
    """Sign an act for the installation behind a client; None without a key."""
    if key is None:
        return None
    policy = client.status().policy
    return signing.sign(key.read_bytes(), act, who, why, policy.name if policy else "")


def sign_act(
    client: Client, key: Path | None, kind: str, change: RulebookChange, who: str, why: str, at_ns: int = 0
) -> Signed | None:
    """Sign an act on a change as it was read."""
    return sign(client, key, acts.act_on(kind, change.change_id, change.text_digest, change.base, at_ns), who, why)


def sign_rollback(client: Client, key: Path, revision: int, who: str, why: str) -> tuple[int, Signed | None]:
    """Return the revision that is gone back to, which is one step back for 0, and the signature of that."""
    status = client.status()
    target = client.get_rulebook(revision)[0] if revision else status.previous
    if target is None:
        raise InputError("MR-I116", "there is no revision before the active one", "see `marginrules rulebook list`")
    act = acts.roll_back(target.revision, target.digest, status.active_digest)
    return target.revision, sign(client, key, act, who, why)
