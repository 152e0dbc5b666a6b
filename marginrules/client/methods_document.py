# SPDX-License-Identifier: Apache-2.0
"""Calls for rulebooks as pages and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from marginrules._pb import document_pb2
from marginrules.client import codec
from marginrules.client.rpc import Call, unary
from marginrules.errors import RulebookError
from marginrules.rulebook.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True)
class CellChange:
    """Carry one change that a spreadsheet asks for: its line, what it is of, and the text before and after."""

    line: int
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TablesReview:
    """Carry what tables that came back would change; see `document.proto` for each field."""

    changes: tuple[CellChange, ...]
    text: bytes
    diagnostics: tuple[Diagnostic, ...]
    comparison: tuple[str, ...]


class DocumentMethods:
    """List the methods of `DocumentService`; without a text, each is about a revision, 0 for the active one."""

    @unary
    def describe_rulebook(
        self,
        text: bytes | None = None,
        file: str = "",
        *,
        revision: int = 0,
        style: Literal["html", "markdown"] = "html",
    ) -> Call[str]:
        """Return the page of a rulebook; RulebookError where a text is refused."""
        request = document_pb2.DescribeRulebookRequest(
            book=_book(text, file, revision), format=f"PAGE_FORMAT_{style.upper()}"
        )
        return Call(request, _page)

    @unary
    def export_tables(
        self, text: bytes | None = None, file: str = "", *, revision: int = 0, style: Literal["xlsx", "csv"] = "xlsx"
    ) -> Call[dict[str, bytes]]:
        """Return the files of a rulebook's tables by their names; RulebookError where a text is refused."""
        request = document_pb2.ExportTablesRequest(
            book=_book(text, file, revision), format=f"SHEET_FORMAT_{style.upper()}"
        )
        return Call(request, _files)

    @unary
    def review_tables(
        self, files: Mapping[str, bytes], text: bytes | None = None, file: str = "", *, revision: int = 0
    ) -> Call[TablesReview]:
        """Say what tables that came back would change in what they were made of; nothing is changed."""
        request = document_pb2.ReviewTablesRequest(
            book=_book(text, file, revision),
            files=[document_pb2.SheetFile(name=name, content=content) for name, content in files.items()],
        )
        return Call(request, _review)


def _book(text: bytes | None, file: str, revision: int) -> document_pb2.BookText:
    if text is None:
        return document_pb2.BookText(revision=revision)
    return document_pb2.BookText(text=text, file=file)


def _page(reply: document_pb2.DescribeRulebookResponse) -> str:
    if reply.diagnostics:
        raise RulebookError(tuple(codec.decode_diagnostic(one) for one in reply.diagnostics))
    return reply.page


def _files(reply: document_pb2.ExportTablesResponse) -> dict[str, bytes]:
    if reply.diagnostics:
        raise RulebookError(tuple(codec.decode_diagnostic(one) for one in reply.diagnostics))
    return {one.name: one.content for one in reply.files}


def _review(reply: document_pb2.ReviewTablesResponse) -> TablesReview:
    diagnostics = tuple(codec.decode_diagnostic(one) for one in reply.diagnostics)
    if diagnostics and not reply.text:
        raise RulebookError(diagnostics)
    return TablesReview(
        changes=tuple(CellChange(one.line, one.what, one.before, one.after) for one in reply.changes),
        text=reply.text,
        diagnostics=diagnostics,
        comparison=tuple(reply.comparison),
    )
