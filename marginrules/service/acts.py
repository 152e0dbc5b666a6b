# SPDX-License-Identifier: Apache-2.0
"""
What a person does to a rulebook, as the bytes that are signed.

They name the act, all that it is about, who does it and why, the installation, and a number used once: a signature
says nothing about another change, another text, another installation, or the same act a second time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

_DOMAIN = b"marginrules: act on a rulebook, version 1\n"


@dataclass(frozen=True, slots=True)
class Signed:
    """Carry a signature: public key and signature in base64, and the number used once."""

    key: str
    nonce: str
    signature: str

    def as_data(self) -> dict[str, str]:
        """Return plain data, to be recorded."""
        return {"key": self.key, "nonce": self.nonce, "signature": self.signature}


@dataclass(frozen=True, slots=True)
class Act:
    """Carry an act and what it is about."""

    kind: str
    subject: tuple[tuple[str, str | int], ...]

    def content(self, who: str, why: str, policy: str, key: str, nonce: str) -> bytes:
        """Return the bytes to sign; `policy` is the name of the installation's policy."""
        plain = {
            "act": self.kind,
            "subject": dict(self.subject),
            "who": who,
            "why": why,
            "policy": policy,
            "key": key,
            "nonce": nonce,
        }
        return _DOMAIN + json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text as it is written; a rulebook's own digest is of what it means."""
    return hashlib.sha256(text.encode()).hexdigest()


def propose(file: str, text: str, base: str) -> Act:
    """Propose a text in place of the book with the digest `base`."""
    return Act("propose", (("file", file), ("text", text_digest(text)), ("base", base)))


def amend(change_id: str, file: str, text: str, base: str) -> Act:
    """Give a change another text."""
    return Act("amend", (("change", change_id), ("file", file), ("text", text_digest(text)), ("base", base)))


def act_on(kind: str, change_id: str, text: str, base: str, at_ns: int = 0) -> Act:
    """Approve, withdraw, apply, schedule or unschedule a change with the text digest `text`."""
    return Act(kind, (("change", change_id), ("text", text), ("base", base), ("at_ns", at_ns)))


def roll_back(revision: int, digest: str, base: str) -> Act:
    """Go back from the book with the digest `base` to a revision."""
    return Act("rollback", (("revision", revision), ("digest", digest), ("base", base)))


def break_glass(file: str, text: str, base: str, expires_ns: int) -> Act:
    """Activate a text at once, for `expires_ns` (0: as long as the policy says)."""
    subject = (("file", file), ("text", text_digest(text)), ("base", base), ("expires_ns", expires_ns))
    return Act("break_glass", subject)


def migrate(accounts: Iterable[str], base: str) -> Act:
    """Move open calls of accounts to the active book, whose digest is `base`; no accounts: of all."""
    return Act("migrate", (("accounts", json.dumps(list(accounts))), ("base", base)))
