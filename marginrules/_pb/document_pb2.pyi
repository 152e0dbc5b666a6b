from marginrules._pb import rulebook_pb2 as _rulebook_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PageFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAGE_FORMAT_UNSPECIFIED: _ClassVar[PageFormat]
    PAGE_FORMAT_HTML: _ClassVar[PageFormat]
    PAGE_FORMAT_MARKDOWN: _ClassVar[PageFormat]

class SheetFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHEET_FORMAT_UNSPECIFIED: _ClassVar[SheetFormat]
    SHEET_FORMAT_XLSX: _ClassVar[SheetFormat]
    SHEET_FORMAT_CSV: _ClassVar[SheetFormat]
PAGE_FORMAT_UNSPECIFIED: PageFormat
PAGE_FORMAT_HTML: PageFormat
PAGE_FORMAT_MARKDOWN: PageFormat
SHEET_FORMAT_UNSPECIFIED: SheetFormat
SHEET_FORMAT_XLSX: SheetFormat
SHEET_FORMAT_CSV: SheetFormat

class BookText(_message.Message):
    __slots__ = ("revision", "text", "file")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    text: bytes
    file: str
    def __init__(self, revision: _Optional[int] = ..., text: _Optional[bytes] = ..., file: _Optional[str] = ...) -> None: ...

class DescribeRulebookRequest(_message.Message):
    __slots__ = ("book", "format")
    BOOK_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    book: BookText
    format: PageFormat
    def __init__(self, book: _Optional[_Union[BookText, _Mapping]] = ..., format: _Optional[_Union[PageFormat, str]] = ...) -> None: ...

class DescribeRulebookResponse(_message.Message):
    __slots__ = ("page", "diagnostics")
    PAGE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    page: str
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, page: _Optional[str] = ..., diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...

class SheetFile(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class ExportTablesRequest(_message.Message):
    __slots__ = ("book", "format")
    BOOK_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    book: BookText
    format: SheetFormat
    def __init__(self, book: _Optional[_Union[BookText, _Mapping]] = ..., format: _Optional[_Union[SheetFormat, str]] = ...) -> None: ...

class ExportTablesResponse(_message.Message):
    __slots__ = ("files", "diagnostics")
    FILES_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[SheetFile]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, files: _Optional[_Iterable[_Union[SheetFile, _Mapping]]] = ..., diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...

class ReviewTablesRequest(_message.Message):
    __slots__ = ("book", "files")
    BOOK_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    book: BookText
    files: _containers.RepeatedCompositeFieldContainer[SheetFile]
    def __init__(self, book: _Optional[_Union[BookText, _Mapping]] = ..., files: _Optional[_Iterable[_Union[SheetFile, _Mapping]]] = ...) -> None: ...

class CellChange(_message.Message):
    __slots__ = ("line", "what", "before", "after")
    LINE_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    line: int
    what: str
    before: str
    after: str
    def __init__(self, line: _Optional[int] = ..., what: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class ReviewTablesResponse(_message.Message):
    __slots__ = ("changes", "text", "diagnostics", "comparison")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[CellChange]
    text: bytes
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    comparison: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, changes: _Optional[_Iterable[_Union[CellChange, _Mapping]]] = ..., text: _Optional[bytes] = ..., diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., comparison: _Optional[_Iterable[str]] = ...) -> None: ...
