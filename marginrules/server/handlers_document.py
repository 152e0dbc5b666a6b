# SPDX-License-Identifier: Apache-2.0
"""Rulebooks as pages and as tables."""

from __future__ import annotations

from collections.abc import Iterable

from marginrules._pb import document_pb2
from marginrules.authoring.document import FORMATS, Act, acts_of, describe
from marginrules.authoring.review import Review, export, review_files
from marginrules.errors import InputError, RulebookError
from marginrules.limits import BULK_REQUEST_BYTES_MAX, RULEBOOK_BYTES_MAX
from marginrules.rulebook.compile import analyse
from marginrules.server import codec
from marginrules.server.method import Method
from marginrules.service.service import Service

_BOOK = RULEBOOK_BYTES_MAX + 4_096
_PAGES = {
    document_pb2.PAGE_FORMAT_UNSPECIFIED: "html",
    document_pb2.PAGE_FORMAT_HTML: "html",
    document_pb2.PAGE_FORMAT_MARKDOWN: "markdown",
}
_SHEETS = {
    document_pb2.SHEET_FORMAT_UNSPECIFIED: "xlsx",
    document_pb2.SHEET_FORMAT_XLSX: "xlsx",
    document_pb2.SHEET_FORMAT_CSV: "csv",
}


class DocumentHandlers:
    """Serve `DocumentService`."""

    _service: Service

    def describe_rulebook(self, request: document_pb2.DescribeRulebookRequest) -> document_pb2.DescribeRulebookResponse:
        """Write the page of a rulebook, with who did what to it where this server knows."""
        style = _PAGES.get(request.format)
        if style is None:
            raise InputError("MR-I102", f"format was {request.format}", "HTML or Markdown")
        try:
            text, file, acts = self._text(request.book)
            page = FORMATS[style](describe(analyse(text, file), acts))
        except RulebookError as error:
            problems = [codec.diagnostic(one) for one in error.diagnostics]
            return document_pb2.DescribeRulebookResponse(diagnostics=problems)
        return document_pb2.DescribeRulebookResponse(page=page)

    def export_tables(self, request: document_pb2.ExportTablesRequest) -> document_pb2.ExportTablesResponse:
        """Lay the numbers of a rulebook out as tables."""
        style = _SHEETS.get(request.format)
        if style is None:
            raise InputError("MR-I102", f"format was {request.format}", "XLSX or CSV")
        try:
            text, file, _ = self._text(request.book)
            files = export(text, file, style)
        except RulebookError as error:
            problems = [codec.diagnostic(one) for one in error.diagnostics]
            return document_pb2.ExportTablesResponse(diagnostics=problems)
        return document_pb2.ExportTablesResponse(files=_files(files.items()))

    def review_tables(self, request: document_pb2.ReviewTablesRequest) -> document_pb2.ReviewTablesResponse:
        """Compare tables that came back with what they were made of."""
        try:
            text, file, _ = self._text(request.book)
            found = review_files(text, file, {one.name: one.content for one in request.files})
        except RulebookError as error:
            problems = [codec.diagnostic(one) for one in error.diagnostics]
            return document_pb2.ReviewTablesResponse(diagnostics=problems)
        return _review(found)

    def _text(self, book: document_pb2.BookText) -> tuple[bytes, str, tuple[Act, ...]]:
        if book.WhichOneof("book") == "text":
            return book.text, book.file or "rulebook.yaml", ()
        shard = self._service.shard
        revision = shard.revision(book.revision) if book.revision else shard.active
        if revision is None:
            raise InputError("MR-I115", "no rulebook is active", "activate one first, or give a text")
        return revision.program.text, revision.file, acts_of(shard.revisions)


def _files(files: Iterable[tuple[str, bytes]]) -> list[document_pb2.SheetFile]:
    return [document_pb2.SheetFile(name=name, content=content) for name, content in files]


def _review(found: Review) -> document_pb2.ReviewTablesResponse:
    return document_pb2.ReviewTablesResponse(
        changes=[
            document_pb2.CellChange(line=one.line, what=one.what, before=one.before, after=one.after)
            for one in found.changes
        ],
        text=found.content,
        diagnostics=[codec.diagnostic(one) for one in found.diagnostics],
        comparison=found.comparison,
    )


METHODS: tuple[Method, ...] = (
    Method(
        "DocumentService",
        "DescribeRulebook",
        document_pb2.DescribeRulebookRequest,
        "describe_rulebook",
        "read",
        bytes_max=_BOOK,
    ),
    Method(
        "DocumentService", "ExportTables", document_pb2.ExportTablesRequest, "export_tables", "read", bytes_max=_BOOK
    ),
    Method(
        "DocumentService",
        "ReviewTables",
        document_pb2.ReviewTablesRequest,
        "review_tables",
        "read",
        bytes_max=BULK_REQUEST_BYTES_MAX,
    ),
)
