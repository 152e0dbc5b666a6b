from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Diagnostic(_message.Message):
    __slots__ = ("file", "line", "column", "width", "code", "message", "hint", "source")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    column: int
    width: int
    code: str
    message: str
    hint: str
    source: str
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., width: _Optional[int] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class RulebookRevision(_message.Message):
    __slots__ = ("revision", "name", "digest", "file", "activated_ns", "who", "why", "active", "act", "change_id", "authors", "approvals", "restores", "unapproved")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATED_NS_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    ACT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    RESTORES_FIELD_NUMBER: _ClassVar[int]
    UNAPPROVED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    name: str
    digest: str
    file: str
    activated_ns: int
    who: str
    why: str
    active: bool
    act: str
    change_id: str
    authors: _containers.RepeatedScalarFieldContainer[str]
    approvals: _containers.RepeatedCompositeFieldContainer[Approval]
    restores: int
    unapproved: bool
    def __init__(self, revision: _Optional[int] = ..., name: _Optional[str] = ..., digest: _Optional[str] = ..., file: _Optional[str] = ..., activated_ns: _Optional[int] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., active: _Optional[bool] = ..., act: _Optional[str] = ..., change_id: _Optional[str] = ..., authors: _Optional[_Iterable[str]] = ..., approvals: _Optional[_Iterable[_Union[Approval, _Mapping]]] = ..., restores: _Optional[int] = ..., unapproved: _Optional[bool] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("who", "why", "time_ns", "key", "signed")
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    TIME_NS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    who: str
    why: str
    time_ns: int
    key: str
    signed: bool
    def __init__(self, who: _Optional[str] = ..., why: _Optional[str] = ..., time_ns: _Optional[int] = ..., key: _Optional[str] = ..., signed: _Optional[bool] = ...) -> None: ...

class ActSignature(_message.Message):
    __slots__ = ("key", "nonce", "signature")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    key: str
    nonce: str
    signature: str
    def __init__(self, key: _Optional[str] = ..., nonce: _Optional[str] = ..., signature: _Optional[str] = ...) -> None: ...

class ValidateRulebookRequest(_message.Message):
    __slots__ = ("file", "text")
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    file: str
    text: bytes
    def __init__(self, file: _Optional[str] = ..., text: _Optional[bytes] = ...) -> None: ...

class ValidateRulebookResponse(_message.Message):
    __slots__ = ("diagnostics", "digest")
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[Diagnostic]
    digest: str
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[Diagnostic, _Mapping]]] = ..., digest: _Optional[str] = ...) -> None: ...

class ActivateRulebookRequest(_message.Message):
    __slots__ = ("request_id", "file", "text", "who", "why")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file: str
    text: bytes
    who: str
    why: str
    def __init__(self, request_id: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ..., who: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class ActivateRulebookResponse(_message.Message):
    __slots__ = ("diagnostics", "revision", "digest")
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[Diagnostic]
    revision: int
    digest: str
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[Diagnostic, _Mapping]]] = ..., revision: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class RollBackRulebookRequest(_message.Message):
    __slots__ = ("request_id", "revision", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    revision: int
    who: str
    why: str
    signature: ActSignature
    def __init__(self, request_id: _Optional[str] = ..., revision: _Optional[int] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[ActSignature, _Mapping]] = ...) -> None: ...

class RollBackRulebookResponse(_message.Message):
    __slots__ = ("revision", "digest")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    revision: int
    digest: str
    def __init__(self, revision: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class ListRulebooksRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRulebooksResponse(_message.Message):
    __slots__ = ("revisions",)
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[RulebookRevision]
    def __init__(self, revisions: _Optional[_Iterable[_Union[RulebookRevision, _Mapping]]] = ...) -> None: ...

class GetRulebookRequest(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class GetRulebookResponse(_message.Message):
    __slots__ = ("revision", "text")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    revision: RulebookRevision
    text: bytes
    def __init__(self, revision: _Optional[_Union[RulebookRevision, _Mapping]] = ..., text: _Optional[bytes] = ...) -> None: ...
