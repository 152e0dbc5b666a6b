# SPDX-License-Identifier: Apache-2.0
"""
The exception tree. A verdict ("rejected, deficiency 12 000.00") is data; an exception is for what the caller must
change, what the operator must fix, or what must stop the process.

    MarginRulesError            code, message, hint
    ├── RulebookError           carries every diagnostic of the text            MR-R100; they have codes of their own
    │   └── CasesError          the same for a file of cases                    MR-R110
    ├── InputError              a field of a request was wrong                  MR-I1xx
    ├── OverloadError           a limit was reached; retry after a while        MR-O1xx
    └── StorageError            the journal cannot be trusted                   MR-S1xx
        ├── JournalCorruptError the hash chain does not hold: refuse to start
        └── DurabilityError     one write or sync failed: stop, never retry

Codes never change their meaning. `CODES` is the closed list; the server maps every code to one gRPC status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marginrules.rulebook.diagnostic import Diagnostic

CODES: dict[str, str] = {
    "MR-R100": "rulebook refused; its diagnostics say where and why",
    "MR-R110": "cases refused; their diagnostics say where and why",
    "MR-I101": "number was not finite",
    "MR-I102": "number was out of its range",
    "MR-I103": "required field was missing",
    "MR-I104": "unknown account",
    "MR-I105": "unknown pool",
    "MR-I106": "unknown instrument",
    "MR-I107": "unknown asset",
    "MR-I108": "unknown account class",
    "MR-I109": "sequence number was not above the last one applied",
    "MR-I110": "identifier was malformed",
    "MR-I111": "unknown call",
    "MR-I112": "action does not fit the state of the call",
    "MR-I113": "too many items",
    "MR-I114": "instrument matches no product, or more than one",
    "MR-I115": "no active rulebook",
    "MR-I116": "unknown rulebook revision",
    "MR-I117": "request id was used before for a different request",
    "MR-I118": "unknown client order id",
    "MR-I119": "time was before the last one applied",
    "MR-I120": "duplicate item",
    "MR-I121": "resume position is not in the journal",
    "MR-I122": "unknown field",
    "MR-I130": "pool may not hold this",
    "MR-I131": "pool may not give collateral away",
    "MR-I140": "rulebook was planned against another one than is active",
    "MR-I141": "plan was changed since it was made, or is none",
    "MR-I150": "unknown change",
    "MR-I151": "action does not fit the state of the change",
    "MR-I152": "change is not approved",
    "MR-I153": "author may not approve",
    "MR-I154": "change was made for a book that is not active any more",
    "MR-I155": "policy does not let this person do that",
    "MR-I156": "signature was missing, wrong or not wanted",
    "MR-I157": "book may not be activated directly",
    "MR-I158": "library for signatures is not installed",
    "MR-I160": "text cannot be edited or laid out",
    "MR-I161": "rulebook has no such value",
    "MR-I162": "library for spreadsheets is not installed",
    "MR-I163": "tables are of another rulebook",
    "MR-I164": "table cannot be read",
    "MR-I165": "unknown rule",
    "MR-I180": "rulebook is active, and would be its own shadow",
    "MR-I181": "no rulebook is in shadow",
    "MR-O101": "too many requests at once",
    "MR-O102": "subscriber was too slow and was cut",
    "MR-O103": "server is draining",
    "MR-S101": "journal does not verify",
    "MR-S102": "journal write failed; the process stops",
    "MR-S103": "journal was written by an unknown format",
    "MR-S104": "another process holds this journal",
}


class MarginRulesError(Exception):
    """
    Carry a stable code, what happened, and what to do about it.

    Args:
        code: one of `CODES`.
        message: what happened, with the field and the value that "was".
        hint: what to change; may be empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        if code not in CODES:
            raise AssertionError(f"error code {code} is not in CODES")
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}" + (f" ({self.hint})" if self.hint else "")


class RulebookError(MarginRulesError):
    """Carry every diagnostic of a refused rulebook, or of another text that is read like one, in the order of it."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], what: str = "rulebook") -> None:
        count = len(diagnostics)
        super().__init__("MR-R100", f"{what} was refused: {count} problem{'s' if count != 1 else ''}")
        self.diagnostics = diagnostics


class CasesError(RulebookError):
    """Carry every diagnostic of a refused file of cases, in the order of the text."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        count = len(diagnostics)
        MarginRulesError.__init__(self, "MR-R110", f"cases were refused: {count} problem{'s' if count != 1 else ''}")
        self.diagnostics = diagnostics


class InputError(MarginRulesError):
    """Say which field of a request was wrong, and its allowed range."""


class OverloadError(MarginRulesError):
    """Say which limit was reached and when to come back."""

    def __init__(self, code: str, message: str, retry_after_ms: int, hint: str = "") -> None:
        super().__init__(code, message, hint or f"retry after {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms


class StorageError(MarginRulesError):
    """Say why the journal cannot be used."""


class JournalCorruptError(StorageError):
    """Name the first event at which the hash chain does not hold."""


class DurabilityError(StorageError):
    """Say that one write or sync failed; nothing after it may be acknowledged."""
