from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FindingLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINDING_LEVEL_UNSPECIFIED: _ClassVar[FindingLevel]
    FINDING_LEVEL_NOTE: _ClassVar[FindingLevel]
    FINDING_LEVEL_WARNING: _ClassVar[FindingLevel]
    FINDING_LEVEL_ERROR: _ClassVar[FindingLevel]
FINDING_LEVEL_UNSPECIFIED: FindingLevel
FINDING_LEVEL_NOTE: FindingLevel
FINDING_LEVEL_WARNING: FindingLevel
FINDING_LEVEL_ERROR: FindingLevel

class Finding(_message.Message):
    __slots__ = ("file", "line", "column", "width", "rule", "level", "message", "hint", "source", "names", "because")
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    file: str
    line: int
    column: int
    width: int
    rule: str
    level: FindingLevel
    message: str
    hint: str
    source: str
    names: _containers.RepeatedScalarFieldContainer[str]
    because: str
    def __init__(self, file: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., width: _Optional[int] = ..., rule: _Optional[str] = ..., level: _Optional[_Union[FindingLevel, str]] = ..., message: _Optional[str] = ..., hint: _Optional[str] = ..., source: _Optional[str] = ..., names: _Optional[_Iterable[str]] = ..., because: _Optional[str] = ...) -> None: ...

class LintRulebookRequest(_message.Message):
    __slots__ = ("file", "text", "against", "against_active")
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AGAINST_FIELD_NUMBER: _ClassVar[int]
    AGAINST_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    file: str
    text: bytes
    against: bytes
    against_active: bool
    def __init__(self, file: _Optional[str] = ..., text: _Optional[bytes] = ..., against: _Optional[bytes] = ..., against_active: _Optional[bool] = ...) -> None: ...

class LintRulebookResponse(_message.Message):
    __slots__ = ("findings",)
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    def __init__(self, findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ...) -> None: ...

class RulePage(_message.Message):
    __slots__ = ("rule", "title", "level", "what", "bad", "good", "why", "markdown")
    RULE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    BAD_FIELD_NUMBER: _ClassVar[int]
    GOOD_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    MARKDOWN_FIELD_NUMBER: _ClassVar[int]
    rule: str
    title: str
    level: FindingLevel
    what: str
    bad: str
    good: str
    why: str
    markdown: str
    def __init__(self, rule: _Optional[str] = ..., title: _Optional[str] = ..., level: _Optional[_Union[FindingLevel, str]] = ..., what: _Optional[str] = ..., bad: _Optional[str] = ..., good: _Optional[str] = ..., why: _Optional[str] = ..., markdown: _Optional[str] = ...) -> None: ...

class GetRuleRequest(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: str
    def __init__(self, rule: _Optional[str] = ...) -> None: ...

class GetRuleResponse(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: RulePage
    def __init__(self, page: _Optional[_Union[RulePage, _Mapping]] = ...) -> None: ...

class ListRulesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRulesResponse(_message.Message):
    __slots__ = ("pages",)
    PAGES_FIELD_NUMBER: _ClassVar[int]
    pages: _containers.RepeatedCompositeFieldContainer[RulePage]
    def __init__(self, pages: _Optional[_Iterable[_Union[RulePage, _Mapping]]] = ...) -> None: ...
