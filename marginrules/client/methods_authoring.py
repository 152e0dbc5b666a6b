# SPDX-License-Identifier: Apache-2.0
"""Calls about the texts of rulebooks."""

from __future__ import annotations

from marginrules._pb import authoring_pb2
from marginrules.client import codec
from marginrules.client.rpc import Call, unary
from marginrules.errors import RulebookError


class AuthoringMethods:
    """List the methods of `AuthoringService`."""

    @unary
    def format_rulebook(self, text: bytes, file: str = "") -> Call[bytes]:
        """Return a rulebook's text in the canonical layout; RulebookError where it cannot be read."""
        return Call(authoring_pb2.FormatRulebookRequest(file=file, text=text), _text)

    @unary
    def rulebook_schema(self) -> Call[str]:
        """Return the JSON Schema of rulebooks that editors are given."""
        return Call(authoring_pb2.GetRulebookSchemaRequest(), lambda reply: reply.json_schema)


def _text(reply: authoring_pb2.FormatRulebookResponse) -> bytes:
    if reply.diagnostics:
        raise RulebookError(tuple(codec.decode_diagnostic(one) for one in reply.diagnostics))
    return reply.text
