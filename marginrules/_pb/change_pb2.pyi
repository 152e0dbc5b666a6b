from marginrules._pb import escalation_pb2 as _escalation_pb2
from marginrules._pb import rulebook_pb2 as _rulebook_pb2
from marginrules._pb import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChangeState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_STATE_UNSPECIFIED: _ClassVar[ChangeState]
    CHANGE_STATE_PROPOSED: _ClassVar[ChangeState]
    CHANGE_STATE_APPROVED: _ClassVar[ChangeState]
    CHANGE_STATE_SCHEDULED: _ClassVar[ChangeState]
    CHANGE_STATE_ACTIVE: _ClassVar[ChangeState]
    CHANGE_STATE_REPLACED: _ClassVar[ChangeState]
    CHANGE_STATE_STALE: _ClassVar[ChangeState]
    CHANGE_STATE_WITHDRAWN: _ClassVar[ChangeState]
    CHANGE_STATE_FAILED: _ClassVar[ChangeState]
CHANGE_STATE_UNSPECIFIED: ChangeState
CHANGE_STATE_PROPOSED: ChangeState
CHANGE_STATE_APPROVED: ChangeState
CHANGE_STATE_SCHEDULED: ChangeState
CHANGE_STATE_ACTIVE: ChangeState
CHANGE_STATE_REPLACED: ChangeState
CHANGE_STATE_STALE: ChangeState
CHANGE_STATE_WITHDRAWN: ChangeState
CHANGE_STATE_FAILED: ChangeState

class ApprovalNeed(_message.Message):
    __slots__ = ("group", "count")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    group: str
    count: int
    def __init__(self, group: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class RulebookChange(_message.Message):
    __slots__ = ("change_id", "state", "file", "name", "digest", "text_digest", "base_digest", "verdict", "differences", "authors", "why", "proposed_ns", "approvals", "needs", "scheduled_ns", "scheduled_by", "revision", "failure", "broke_glass")
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    TEXT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BASE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    AUTHORS_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_NS_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_NS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_BY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    BROKE_GLASS_FIELD_NUMBER: _ClassVar[int]
    change_id: str
    state: ChangeState
    file: str
    name: str
    digest: str
    text_digest: str
    base_digest: str
    verdict: str
    differences: _containers.RepeatedScalarFieldContainer[str]
    authors: _containers.RepeatedScalarFieldContainer[str]
    why: str
    proposed_ns: int
    approvals: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Approval]
    needs: _containers.RepeatedCompositeFieldContainer[ApprovalNeed]
    scheduled_ns: int
    scheduled_by: str
    revision: int
    failure: str
    broke_glass: bool
    def __init__(self, change_id: _Optional[str] = ..., state: _Optional[_Union[ChangeState, str]] = ..., file: _Optional[str] = ..., name: _Optional[str] = ..., digest: _Optional[str] = ..., text_digest: _Optional[str] = ..., base_digest: _Optional[str] = ..., verdict: _Optional[str] = ..., differences: _Optional[_Iterable[str]] = ..., authors: _Optional[_Iterable[str]] = ..., why: _Optional[str] = ..., proposed_ns: _Optional[int] = ..., approvals: _Optional[_Iterable[_Union[_rulebook_pb2.Approval, _Mapping]]] = ..., needs: _Optional[_Iterable[_Union[ApprovalNeed, _Mapping]]] = ..., scheduled_ns: _Optional[int] = ..., scheduled_by: _Optional[str] = ..., revision: _Optional[int] = ..., failure: _Optional[str] = ..., broke_glass: _Optional[bool] = ...) -> None: ...

class ProposeChangeRequest(_message.Message):
    __slots__ = ("request_id", "file", "text", "base_digest", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BASE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file: str
    text: bytes
    base_digest: str
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ..., base_digest: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class ProposeChangeResponse(_message.Message):
    __slots__ = ("diagnostics", "change")
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    change: RulebookChange
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class AmendChangeRequest(_message.Message):
    __slots__ = ("request_id", "change_id", "file", "text", "base_digest", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BASE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    change_id: str
    file: str
    text: bytes
    base_digest: str
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., change_id: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ..., base_digest: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class AmendChangeResponse(_message.Message):
    __slots__ = ("diagnostics", "change")
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    change: RulebookChange
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class ApproveChangeRequest(_message.Message):
    __slots__ = ("request_id", "change_id", "text_digest", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    change_id: str
    text_digest: str
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., change_id: _Optional[str] = ..., text_digest: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class ApproveChangeResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class WithdrawChangeRequest(_message.Message):
    __slots__ = ("request_id", "change_id", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    change_id: str
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., change_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class WithdrawChangeResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class ApplyChangeRequest(_message.Message):
    __slots__ = ("request_id", "change_id", "text_digest", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    change_id: str
    text_digest: str
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., change_id: _Optional[str] = ..., text_digest: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class ApplyChangeResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class ScheduleChangeRequest(_message.Message):
    __slots__ = ("request_id", "change_id", "text_digest", "at_ns", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    change_id: str
    text_digest: str
    at_ns: int
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., change_id: _Optional[str] = ..., text_digest: _Optional[str] = ..., at_ns: _Optional[int] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class ScheduleChangeResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class UnscheduleChangeRequest(_message.Message):
    __slots__ = ("request_id", "change_id", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    change_id: str
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., change_id: _Optional[str] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class UnscheduleChangeResponse(_message.Message):
    __slots__ = ("change",)
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ...) -> None: ...

class BreakGlassRequest(_message.Message):
    __slots__ = ("request_id", "file", "text", "expires_ns", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_NS_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    file: str
    text: bytes
    expires_ns: int
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., file: _Optional[str] = ..., text: _Optional[bytes] = ..., expires_ns: _Optional[int] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class BreakGlassResponse(_message.Message):
    __slots__ = ("diagnostics", "change", "until_ns")
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    diagnostics: _containers.RepeatedCompositeFieldContainer[_rulebook_pb2.Diagnostic]
    change: RulebookChange
    until_ns: int
    def __init__(self, diagnostics: _Optional[_Iterable[_Union[_rulebook_pb2.Diagnostic, _Mapping]]] = ..., change: _Optional[_Union[RulebookChange, _Mapping]] = ..., until_ns: _Optional[int] = ...) -> None: ...

class ListChangesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "only_open")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ONLY_OPEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    only_open: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., only_open: _Optional[bool] = ...) -> None: ...

class ListChangesResponse(_message.Message):
    __slots__ = ("changes", "next_page_token")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[RulebookChange]
    next_page_token: str
    def __init__(self, changes: _Optional[_Iterable[_Union[RulebookChange, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetChangeRequest(_message.Message):
    __slots__ = ("change_id",)
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    change_id: str
    def __init__(self, change_id: _Optional[str] = ...) -> None: ...

class GetChangeResponse(_message.Message):
    __slots__ = ("change", "text")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    change: RulebookChange
    text: bytes
    def __init__(self, change: _Optional[_Union[RulebookChange, _Mapping]] = ..., text: _Optional[bytes] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PolicySummary(_message.Message):
    __slots__ = ("name", "signed", "always", "looser", "glass_group", "glass_ns")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    ALWAYS_FIELD_NUMBER: _ClassVar[int]
    LOOSER_FIELD_NUMBER: _ClassVar[int]
    GLASS_GROUP_FIELD_NUMBER: _ClassVar[int]
    GLASS_NS_FIELD_NUMBER: _ClassVar[int]
    name: str
    signed: bool
    always: _containers.RepeatedCompositeFieldContainer[ApprovalNeed]
    looser: _containers.RepeatedCompositeFieldContainer[ApprovalNeed]
    glass_group: str
    glass_ns: int
    def __init__(self, name: _Optional[str] = ..., signed: _Optional[bool] = ..., always: _Optional[_Iterable[_Union[ApprovalNeed, _Mapping]]] = ..., looser: _Optional[_Iterable[_Union[ApprovalNeed, _Mapping]]] = ..., glass_group: _Optional[str] = ..., glass_ns: _Optional[int] = ...) -> None: ...

class BrokenGlass(_message.Message):
    __slots__ = ("change_id", "until_ns", "fallback_revision")
    CHANGE_ID_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_REVISION_FIELD_NUMBER: _ClassVar[int]
    change_id: str
    until_ns: int
    fallback_revision: int
    def __init__(self, change_id: _Optional[str] = ..., until_ns: _Optional[int] = ..., fallback_revision: _Optional[int] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("active", "previous", "policy", "broken_glass", "pending", "failed_activations")
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    BROKEN_GLASS_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    FAILED_ACTIVATIONS_FIELD_NUMBER: _ClassVar[int]
    active: _rulebook_pb2.RulebookRevision
    previous: _rulebook_pb2.RulebookRevision
    policy: PolicySummary
    broken_glass: BrokenGlass
    pending: _containers.RepeatedCompositeFieldContainer[RulebookChange]
    failed_activations: int
    def __init__(self, active: _Optional[_Union[_rulebook_pb2.RulebookRevision, _Mapping]] = ..., previous: _Optional[_Union[_rulebook_pb2.RulebookRevision, _Mapping]] = ..., policy: _Optional[_Union[PolicySummary, _Mapping]] = ..., broken_glass: _Optional[_Union[BrokenGlass, _Mapping]] = ..., pending: _Optional[_Iterable[_Union[RulebookChange, _Mapping]]] = ..., failed_activations: _Optional[int] = ...) -> None: ...

class MigrateCallsRequest(_message.Message):
    __slots__ = ("request_id", "account_ids", "dry_run", "who", "why", "signature")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    WHO_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_ids: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    who: str
    why: str
    signature: _rulebook_pb2.ActSignature
    def __init__(self, request_id: _Optional[str] = ..., account_ids: _Optional[_Iterable[str]] = ..., dry_run: _Optional[bool] = ..., who: _Optional[str] = ..., why: _Optional[str] = ..., signature: _Optional[_Union[_rulebook_pb2.ActSignature, _Mapping]] = ...) -> None: ...

class CallMigration(_message.Message):
    __slots__ = ("call_id", "step", "amount", "status", "due_before_ns", "due_after_ns")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DUE_BEFORE_NS_FIELD_NUMBER: _ClassVar[int]
    DUE_AFTER_NS_FIELD_NUMBER: _ClassVar[int]
    call_id: str
    step: str
    amount: str
    status: _escalation_pb2.CallStatus
    due_before_ns: int
    due_after_ns: int
    def __init__(self, call_id: _Optional[str] = ..., step: _Optional[str] = ..., amount: _Optional[str] = ..., status: _Optional[_Union[_escalation_pb2.CallStatus, str]] = ..., due_before_ns: _Optional[int] = ..., due_after_ns: _Optional[int] = ...) -> None: ...

class PoolMigration(_message.Message):
    __slots__ = ("account_id", "pool", "digest_before", "digest_after", "hindrance", "steps_before", "steps_after", "restriction_before", "restriction_after", "calls")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    DIGEST_BEFORE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_AFTER_FIELD_NUMBER: _ClassVar[int]
    HINDRANCE_FIELD_NUMBER: _ClassVar[int]
    STEPS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    STEPS_AFTER_FIELD_NUMBER: _ClassVar[int]
    RESTRICTION_BEFORE_FIELD_NUMBER: _ClassVar[int]
    RESTRICTION_AFTER_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    digest_before: str
    digest_after: str
    hindrance: str
    steps_before: _containers.RepeatedScalarFieldContainer[str]
    steps_after: _containers.RepeatedScalarFieldContainer[str]
    restriction_before: _types_pb2.Restriction
    restriction_after: _types_pb2.Restriction
    calls: _containers.RepeatedCompositeFieldContainer[CallMigration]
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., digest_before: _Optional[str] = ..., digest_after: _Optional[str] = ..., hindrance: _Optional[str] = ..., steps_before: _Optional[_Iterable[str]] = ..., steps_after: _Optional[_Iterable[str]] = ..., restriction_before: _Optional[_Union[_types_pb2.Restriction, str]] = ..., restriction_after: _Optional[_Union[_types_pb2.Restriction, str]] = ..., calls: _Optional[_Iterable[_Union[CallMigration, _Mapping]]] = ...) -> None: ...

class LeftPool(_message.Message):
    __slots__ = ("account_id", "pool", "why")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    POOL_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    pool: str
    why: str
    def __init__(self, account_id: _Optional[str] = ..., pool: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class MigrateCallsResponse(_message.Message):
    __slots__ = ("pools", "moved", "left")
    POOLS_FIELD_NUMBER: _ClassVar[int]
    MOVED_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    pools: _containers.RepeatedCompositeFieldContainer[PoolMigration]
    moved: int
    left: _containers.RepeatedCompositeFieldContainer[LeftPool]
    def __init__(self, pools: _Optional[_Iterable[_Union[PoolMigration, _Mapping]]] = ..., moved: _Optional[int] = ..., left: _Optional[_Iterable[_Union[LeftPool, _Mapping]]] = ...) -> None: ...
