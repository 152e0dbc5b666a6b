# SPDX-License-Identifier: Apache-2.0
"""Error code to gRPC status: one table. Every code of `marginrules.errors.CODES` is in it; a test sees to that."""

from __future__ import annotations

import grpc

from marginrules.errors import MarginRulesError, OverloadError

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_NOT_FOUND = grpc.StatusCode.NOT_FOUND
_STATE = grpc.StatusCode.FAILED_PRECONDITION
_DENIED = grpc.StatusCode.PERMISSION_DENIED
_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED

STATUS: dict[str, grpc.StatusCode] = {
    "MR-R100": _INVALID,
    "MR-R110": _INVALID,
    "MR-I101": _INVALID,
    "MR-I102": _INVALID,
    "MR-I103": _INVALID,
    "MR-I104": _NOT_FOUND,
    "MR-I105": _NOT_FOUND,
    "MR-I106": _NOT_FOUND,
    "MR-I107": _NOT_FOUND,
    "MR-I108": _INVALID,
    "MR-I109": grpc.StatusCode.ABORTED,
    "MR-I110": _INVALID,
    "MR-I111": _NOT_FOUND,
    "MR-I112": _STATE,
    "MR-I113": _INVALID,
    "MR-I114": _STATE,
    "MR-I115": _STATE,
    "MR-I116": _NOT_FOUND,
    "MR-I117": grpc.StatusCode.ALREADY_EXISTS,
    "MR-I118": _NOT_FOUND,
    "MR-I119": _INVALID,
    "MR-I120": grpc.StatusCode.ALREADY_EXISTS,
    "MR-I121": grpc.StatusCode.OUT_OF_RANGE,
    "MR-I122": _INVALID,
    "MR-I130": _INVALID,
    "MR-I131": _STATE,
    "MR-I140": _STATE,
    "MR-I141": _INVALID,
    "MR-I160": _INVALID,
    "MR-I161": _NOT_FOUND,
    "MR-I162": _STATE,
    "MR-I163": _STATE,
    "MR-I164": _INVALID,
    "MR-I165": _NOT_FOUND,
    "MR-I150": _NOT_FOUND,
    "MR-I151": _STATE,
    "MR-I152": _STATE,
    "MR-I153": _DENIED,
    "MR-I154": grpc.StatusCode.ABORTED,
    "MR-I155": _DENIED,
    "MR-I156": _DENIED,
    "MR-I157": _STATE,
    "MR-I158": _STATE,
    "MR-I180": _STATE,
    "MR-I181": _STATE,
    "MR-O101": _EXHAUSTED,
    "MR-O102": _EXHAUSTED,
    "MR-O103": grpc.StatusCode.UNAVAILABLE,
    "MR-S101": grpc.StatusCode.DATA_LOSS,
    "MR-S102": grpc.StatusCode.UNAVAILABLE,
    "MR-S103": _STATE,
    "MR-S104": _STATE,
}


def trailing_metadata(error: MarginRulesError) -> tuple[tuple[str, str | bytes], ...]:
    """Return what goes with the status: the code, the hint, and when to come back."""
    found: list[tuple[str, str | bytes]] = [("marginrules-code", error.code)]
    if error.hint:
        found.append(("marginrules-hint-bin", error.hint.encode()))
    if isinstance(error, OverloadError):
        found.append(("grpc-retry-pushback-ms", str(error.retry_after_ms)))
    return tuple(found)
