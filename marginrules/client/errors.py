# SPDX-License-Identifier: Apache-2.0
"""A gRPC status and its trailing metadata back into the exception the server raised."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import grpc

from marginrules.errors import (
    CODES,
    DurabilityError,
    InputError,
    JournalCorruptError,
    MarginRulesError,
    OverloadError,
    StorageError,
)

_STORAGE: dict[str, type[StorageError]] = {"MR-S101": JournalCorruptError, "MR-S102": DurabilityError}
_UNREACHABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class ServerError(MarginRulesError):
    """
    Say that a call failed for a reason that has no code: no server answered, or one that is not ours.

    Args:
        status: of gRPC.
        message: its details.
    """

    def __init__(self, status: grpc.StatusCode, message: str, code: str = "") -> None:
        # Not the parent's: its code has to be one of the closed list.
        Exception.__init__(self, message)
        self.code = code
        self.message = message
        self.hint = "is a server running at this address?" if status in _UNREACHABLE else ""
        self.status = status

    def __str__(self) -> str:
        return f"[{self.code or self.status.name}] {self.message}" + (f" ({self.hint})" if self.hint else "")

    @property
    def is_unreachable(self) -> bool:
        """Say whether no server answered in time."""
        return self.status in _UNREACHABLE


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise what the server raised, instead of gRPC's own exception."""
    try:
        yield
    except grpc.RpcError as failure:
        raise error_of(failure) from None


def error_of(failure: Any) -> MarginRulesError:
    """Return the exception that a failed call stands for."""
    metadata = dict(failure.trailing_metadata() or ())
    code, message = metadata.get("marginrules-code", ""), failure.details() or ""
    hint = metadata.get("marginrules-hint-bin", b"").decode()
    if code.startswith("MR-O") and code in CODES:
        return OverloadError(code, message, int(metadata.get("grpc-retry-pushback-ms", 0)), hint)
    return coded_error(code, message, hint) or ServerError(failure.code(), message, code)


def coded_error(code: str, message: str, hint: str = "") -> MarginRulesError | None:
    """Return the exception of a code; None for a code that this release does not know."""
    if code.startswith("MR-I") and code in CODES:
        return InputError(code, message, hint)
    if code.startswith("MR-S") and code in CODES:
        return _STORAGE.get(code, StorageError)(code, message, hint)
    return None
