# SPDX-License-Identifier: Apache-2.0
"""The calls about changes of the rulebook; `signed` is made by `service.signing`, where the policy asks for it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from marginrules._pb import change_pb2
from marginrules.client import codec, codec_change
from marginrules.client.changes import CallsMigration, RulebookChange, RulebookStatus
from marginrules.client.rpc import Call, Page, pages, unary
from marginrules.errors import RulebookError
from marginrules.service.acts import Signed

_PAGE_SIZE = 1_000


class ChangeMethods:
    """List the methods of both clients that change the rulebook, or say how that stands."""

    @unary
    def propose_change(
        self,
        text: bytes,
        who: str,
        why: str,
        file: str = "",
        base: str = "",
        *,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[RulebookChange]:
        """
        Put a text forward; RulebookError where it has problems.

        Args:
            base: digest of the book that was edited; refused where another one is active.
        """
        request = change_pb2.ProposeChangeRequest(
            request_id=request_id or _new_id(),
            file=file,
            text=text,
            base_digest=base,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _checked)

    @unary
    def amend_change(
        self,
        change_id: str,
        text: bytes,
        who: str,
        why: str,
        file: str = "",
        base: str = "",
        *,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[RulebookChange]:
        """Give a change another text: every approval is gone, and the editor is an author from now on."""
        request = change_pb2.AmendChangeRequest(
            request_id=request_id or _new_id(),
            change_id=change_id,
            file=file,
            text=text,
            base_digest=base,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _checked)

    @unary
    def approve_change(
        self,
        change_id: str,
        text_digest: str,
        who: str,
        why: str,
        *,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[RulebookChange]:
        """Agree to a change; the digest is of the text that was read."""
        request = change_pb2.ApproveChangeRequest(
            request_id=request_id or _new_id(),
            change_id=change_id,
            text_digest=text_digest,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _changed)

    @unary
    def withdraw_change(
        self, change_id: str, who: str, why: str, *, signed: Signed | None = None, request_id: str = ""
    ) -> Call[RulebookChange]:
        """Give a change up."""
        request = change_pb2.WithdrawChangeRequest(
            request_id=request_id or _new_id(),
            change_id=change_id,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _changed)

    @unary
    def apply_change(
        self,
        change_id: str,
        who: str,
        why: str,
        text_digest: str = "",
        *,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[RulebookChange]:
        """Activate a change now; with a digest, only while its text is that one."""
        request = change_pb2.ApplyChangeRequest(
            request_id=request_id or _new_id(),
            change_id=change_id,
            text_digest=text_digest,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _changed)

    @unary
    def schedule_change(
        self,
        change_id: str,
        at_ns: int,
        who: str,
        why: str,
        text_digest: str = "",
        *,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[RulebookChange]:
        """Activate a change at a time; where that fails then, the active book stays."""
        request = change_pb2.ScheduleChangeRequest(
            request_id=request_id or _new_id(),
            change_id=change_id,
            text_digest=text_digest,
            at_ns=at_ns,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _changed)

    @unary
    def unschedule_change(
        self, change_id: str, who: str, why: str, *, signed: Signed | None = None, request_id: str = ""
    ) -> Call[RulebookChange]:
        """Do not activate a change at its time; its approvals stay."""
        request = change_pb2.UnscheduleChangeRequest(
            request_id=request_id or _new_id(),
            change_id=change_id,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, _changed)

    @unary
    def break_glass(
        self,
        text: bytes,
        who: str,
        why: str,
        file: str = "",
        expires_ns: int = 0,
        *,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[tuple[RulebookChange, int]]:
        """
        Activate a text at once without approval; return its change, and until when it stays unless it is approved.

        Args:
            expires_ns: how long it stays; 0: as long as the policy says.
        """
        request = change_pb2.BreakGlassRequest(
            request_id=request_id or _new_id(),
            file=file,
            text=text,
            expires_ns=expires_ns,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, lambda reply: (_checked(reply), int(reply.until_ns)))

    @pages
    def changes(self, only_open: bool = False) -> Call[Page[RulebookChange]]:
        """Iterate over changes, oldest first; `only_open`: those that may still be activated, or failed."""
        request = change_pb2.ListChangesRequest(page_size=_PAGE_SIZE, only_open=only_open)
        return Call(
            request,
            lambda reply: Page([codec_change.decode_change(one) for one in reply.changes], reply.next_page_token),
        )

    @unary
    def get_change(self, change_id: str) -> Call[tuple[RulebookChange, bytes]]:
        """Return a change and its text."""
        request = change_pb2.GetChangeRequest(change_id=change_id)
        return Call(request, lambda reply: (codec_change.decode_change(reply.change), bytes(reply.text)))

    @unary
    def status(self) -> Call[RulebookStatus]:
        """Say what is active by whom, what is scheduled, and what is pending."""
        return Call(change_pb2.GetStatusRequest(), codec_change.decode_status)

    @unary
    def migrate_calls(
        self,
        accounts: Iterable[str] = (),
        who: str = "",
        why: str = "",
        *,
        dry_run: bool = False,
        signed: Signed | None = None,
        request_id: str = "",
    ) -> Call[CallsMigration]:
        """
        Move open calls to the active revision; no accounts: of all. A dry run changes nothing, and needs no person.
        """
        request = change_pb2.MigrateCallsRequest(
            request_id=request_id or _new_id(),
            account_ids=list(accounts),
            dry_run=dry_run,
            who=who,
            why=why,
            signature=codec.encode_signature(signed),
        )
        return Call(request, codec_change.decode_migration)


def _new_id() -> str:
    return str(uuid.uuid4())


def _changed(reply: Any) -> RulebookChange:
    return codec_change.decode_change(reply.change)


def _checked(reply: Any) -> RulebookChange:
    if reply.diagnostics:
        raise RulebookError(tuple(codec.decode_diagnostic(one) for one in reply.diagnostics))
    return _changed(reply)
