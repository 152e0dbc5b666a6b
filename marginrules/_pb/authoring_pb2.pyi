from marginrules._pb import rulebook_pb2 as _rulebook_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FormatRulebookRequest(_message.Message):
    __slots__ = ("file", "text")
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    file: str
    text: bytes
    def __init__(self, file: _Optional[str] = ..., text: _Optional[bytes] = ...) -> None: ...

class FormatRulebookResponse(_message.Message):
    __slots__ = ("text", "diagnostics")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    text: bytes
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    def __init__(self, text: _Optional[bytes] = ..., diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ...) -> None: ...

class GetRulebookSchemaRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRulebookSchemaResponse(_message.Message):
    __slots__ = ("json_schema",)
    JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    json_schema: str
    def __init__(self, json_schema: _Optional[str] = ...) -> None: ...
