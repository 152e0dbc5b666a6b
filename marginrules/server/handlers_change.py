# SPDX-License-Identifier: Apache-2.0
"""The RPCs of the life of a change; each act is a command of the shard."""

from __future__ import annotations

from typing import Any

from marginrules import rulebook
from marginrules._pb import change_pb2, rulebook_pb2
from marginrules.codes import ChangeState
from marginrules.errors import InputError
from marginrules.limits import REQUEST_BYTES_MAX, RULEBOOK_BYTES_MAX
from marginrules.server import codec, codec_change
from marginrules.server.method import Method
from marginrules.service import border, migrate, standing
from marginrules.service.service import Service

Data = dict[str, Any]
_PAGE_DEFAULT, _PAGE_MAX = 100, 1_000


class ChangeHandlers:
    """Serve `ChangeService`."""

    _service: Service

    def propose_change(self, request: change_pb2.ProposeChangeRequest) -> change_pb2.ProposeChangeResponse:
        """Put a text forward."""
        found = _problems(request)
        if found:
            return change_pb2.ProposeChangeResponse(diagnostics=found)
        data = _text_data(request) | {"base": request.base_digest}
        return change_pb2.ProposeChangeResponse(change=self._changed("propose", data, request))

    def amend_change(self, request: change_pb2.AmendChangeRequest) -> change_pb2.AmendChangeResponse:
        """Give a change another text."""
        found = _problems(request)
        if found:
            return change_pb2.AmendChangeResponse(diagnostics=found)
        data = _text_data(request) | {"base": request.base_digest, "change": request.change_id}
        return change_pb2.AmendChangeResponse(change=self._changed("amend", data, request))

    def approve_change(self, request: change_pb2.ApproveChangeRequest) -> change_pb2.ApproveChangeResponse:
        """Agree to a change."""
        data = {"change": request.change_id, "text_digest": request.text_digest}
        return change_pb2.ApproveChangeResponse(change=self._changed("approve", data, request))

    def withdraw_change(self, request: change_pb2.WithdrawChangeRequest) -> change_pb2.WithdrawChangeResponse:
        """Give a change up."""
        data = {"change": request.change_id}
        return change_pb2.WithdrawChangeResponse(change=self._changed("withdraw", data, request))

    def apply_change(self, request: change_pb2.ApplyChangeRequest) -> change_pb2.ApplyChangeResponse:
        """Activate a change now."""
        data = {"change": request.change_id, "text_digest": request.text_digest}
        return change_pb2.ApplyChangeResponse(change=self._changed("apply", data, request))

    def schedule_change(self, request: change_pb2.ScheduleChangeRequest) -> change_pb2.ScheduleChangeResponse:
        """Activate a change at a time."""
        data = {"change": request.change_id, "text_digest": request.text_digest, "at_ns": request.at_ns}
        return change_pb2.ScheduleChangeResponse(change=self._changed("schedule", data, request))

    def unschedule_change(self, request: change_pb2.UnscheduleChangeRequest) -> change_pb2.UnscheduleChangeResponse:
        """Do not activate a change at its time."""
        data = {"change": request.change_id}
        return change_pb2.UnscheduleChangeResponse(change=self._changed("unschedule", data, request))

    def break_glass(self, request: change_pb2.BreakGlassRequest) -> change_pb2.BreakGlassResponse:
        """Activate a text without approval."""
        found = _problems(request)
        if found:
            return change_pb2.BreakGlassResponse(diagnostics=found)
        reply = self._carry_out("break_glass", _text_data(request) | {"expires_ns": request.expires_ns}, request)
        return change_pb2.BreakGlassResponse(change=self._change(reply["change"]), until_ns=reply["until_ns"])

    def list_changes(self, request: change_pb2.ListChangesRequest) -> change_pb2.ListChangesResponse:
        """Return one page of changes, oldest first."""
        shard, size = self._service.shard, _page_size(request.page_size)
        known = list(shard.changes.known)
        first = known.index(shard.changes.get(request.page_token).change_id) if request.page_token else 0
        views = [standing.view_change(shard, shard.changes.get(name)) for name in known[first:]]
        chosen = [one for one in views if not request.only_open or _is_open(one)]
        return change_pb2.ListChangesResponse(
            changes=[codec_change.change(one) for one in chosen[:size]],
            next_page_token=chosen[size].change.change_id if size < len(chosen) else "",
        )

    def get_change(self, request: change_pb2.GetChangeRequest) -> change_pb2.GetChangeResponse:
        """Return one change with its text."""
        change = self._service.shard.changes.get(request.change_id)
        return change_pb2.GetChangeResponse(change=self._change(request.change_id), text=change.program.text)

    def get_status(self, request: change_pb2.GetStatusRequest) -> change_pb2.GetStatusResponse:
        """Say how everything stands."""
        del request
        return codec_change.status(standing.view_standing(self._service.shard))

    def migrate_calls(self, request: change_pb2.MigrateCallsRequest) -> change_pb2.MigrateCallsResponse:
        """Move open calls to the active revision, or say what that would change."""
        accounts = list(request.account_ids)
        if request.dry_run:
            moves = migrate.preview(self._service.shard, accounts, self._service.now_ns())
            return change_pb2.MigrateCallsResponse(pools=[codec_change.pool_migration(one) for one in moves])
        reply = self._carry_out("migrate", {"accounts": accounts}, request)
        return change_pb2.MigrateCallsResponse(
            moved=len(reply["moved"]), left=[codec_change.left_pool(label, why) for label, why in reply["left"]]
        )

    def _changed(self, kind: str, data: Data, request: Any) -> change_pb2.RulebookChange:
        return self._change(self._carry_out(kind, data, request)["change"])

    def _carry_out(self, kind: str, data: Data, request: Any) -> Data:
        person = {"who": request.who, "why": request.why} | codec.signed_data(request)
        return self._service.submit(kind, data | person, border.identifier("request_id", request.request_id))

    def _change(self, change_id: str) -> change_pb2.RulebookChange:
        shard = self._service.shard
        return codec_change.change(standing.view_change(shard, shard.changes.get(change_id)))


def _text_data(request: Any) -> Data:
    return {"file": request.file or "rulebook.yaml", "text": request.text.decode()}


def _problems(request: Any) -> list[rulebook_pb2.Diagnostic]:
    """Report every problem of a text before anything is asked of the shard."""
    return [codec.diagnostic(one) for one in rulebook.validate(request.text, request.file or "rulebook.yaml")]


def _is_open(one: standing.ChangeView) -> bool:
    return one.change.ended in (None, ChangeState.FAILED) or bool(one.missing)


def _page_size(size: int) -> int:
    if size > _PAGE_MAX:
        raise InputError("MR-I113", f"page_size was {size}", f"allowed: at most {_PAGE_MAX:,}")
    return size or _PAGE_DEFAULT


_BOOK = RULEBOOK_BYTES_MAX + REQUEST_BYTES_MAX
METHODS: tuple[Method, ...] = (
    Method(
        "ChangeService",
        "ProposeChange",
        change_pb2.ProposeChangeRequest,
        "propose_change",
        "command",
        bytes_max=_BOOK,
    ),
    Method("ChangeService", "AmendChange", change_pb2.AmendChangeRequest, "amend_change", "command", bytes_max=_BOOK),
    Method("ChangeService", "ApproveChange", change_pb2.ApproveChangeRequest, "approve_change", "command"),
    Method("ChangeService", "WithdrawChange", change_pb2.WithdrawChangeRequest, "withdraw_change", "command"),
    Method("ChangeService", "ApplyChange", change_pb2.ApplyChangeRequest, "apply_change", "command"),
    Method("ChangeService", "ScheduleChange", change_pb2.ScheduleChangeRequest, "schedule_change", "command"),
    Method("ChangeService", "UnscheduleChange", change_pb2.UnscheduleChangeRequest, "unschedule_change", "command"),
    Method("ChangeService", "BreakGlass", change_pb2.BreakGlassRequest, "break_glass", "command", bytes_max=_BOOK),
    Method("ChangeService", "ListChanges", change_pb2.ListChangesRequest, "list_changes", "read"),
    Method("ChangeService", "GetChange", change_pb2.GetChangeRequest, "get_change", "read"),
    Method("ChangeService", "GetStatus", change_pb2.GetStatusRequest, "get_status", "read"),
    Method("ChangeService", "MigrateCalls", change_pb2.MigrateCallsRequest, "migrate_calls", "command"),
)
