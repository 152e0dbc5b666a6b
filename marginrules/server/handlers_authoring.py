# SPDX-License-Identifier: Apache-2.0
"""Rulebook texts: their canonical layout, and the JSON Schema of the language."""

from __future__ import annotations

from marginrules._pb import authoring_pb2
from marginrules.authoring.json_schema import schema_text
from marginrules.authoring.layout import format_text
from marginrules.errors import RulebookError
from marginrules.limits import RULEBOOK_BYTES_MAX
from marginrules.server import codec
from marginrules.server.method import Method

_BOOK = RULEBOOK_BYTES_MAX + 4_096


class AuthoringHandlers:
    """Serve `AuthoringService`."""

    def format_rulebook(self, request: authoring_pb2.FormatRulebookRequest) -> authoring_pb2.FormatRulebookResponse:
        """Lay a text out, or say why it cannot be read."""
        try:
            text = format_text(request.text, request.file or "rulebook.yaml")
        except RulebookError as error:
            problems = [codec.diagnostic(one) for one in error.diagnostics]
            return authoring_pb2.FormatRulebookResponse(diagnostics=problems)
        return authoring_pb2.FormatRulebookResponse(text=text)

    def get_rulebook_schema(self, _: authoring_pb2.GetRulebookSchemaRequest) -> authoring_pb2.GetRulebookSchemaResponse:
        """Return the schema of the language that this server reads."""
        return authoring_pb2.GetRulebookSchemaResponse(json_schema=schema_text())


METHODS: tuple[Method, ...] = (
    Method(
        "AuthoringService",
        "FormatRulebook",
        authoring_pb2.FormatRulebookRequest,
        "format_rulebook",
        "read",
        bytes_max=_BOOK,
    ),
    Method(
        "AuthoringService",
        "GetRulebookSchema",
        authoring_pb2.GetRulebookSchemaRequest,
        "get_rulebook_schema",
        "read",
    ),
)
