# SPDX-License-Identifier: Apache-2.0
"""What the server has to know of one RPC."""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import Message

from marginrules.limits import REQUEST_BYTES_MAX


@dataclass(frozen=True, slots=True)
class Method:
    """
    Describe one RPC.

    Args:
        lane: "check", "read", "command" or "stream"; each has its own limit, so that one cannot starve another.
        shape: "unary", "bidirectional" or "watch".
    """

    service: str
    name: str
    request: type[Message]
    handler: str
    lane: str
    shape: str = "unary"
    bytes_max: int = REQUEST_BYTES_MAX
