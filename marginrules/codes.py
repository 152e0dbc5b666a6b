# SPDX-License-Identifier: Apache-2.0
"""The closed lists: why a check was refused, what a pool may do, what happened to a call."""

from __future__ import annotations

import enum


class Reason(enum.IntFlag):
    """
    Say why an assessment cannot be trusted, or why an order was accepted or refused.

    The low byte, MISSING_DATA and MATURED_COLLATERAL are computed by the core while it assesses a pool: any of them
    makes it invalid, and an invalid assessment accepts nothing. The same numbers stand in `_core/layout.pyx`.
    """

    NO_RULEBOOK = 1 << 0
    UNKNOWN_PRODUCT = 1 << 1
    MISSING_PRICE = 1 << 2
    STALE_PRICE = 1 << 3
    EXPIRED_INSTRUMENT = 1 << 4
    NOT_FINITE = 1 << 5
    UNKNOWN_COLLATERAL = 1 << 6
    MISSING_LEVERAGE = 1 << 7

    INSUFFICIENT_MARGIN = 1 << 8
    POOL_BLOCKED = 1 << 9
    POOL_REDUCE_ONLY = 1 << 10
    WOULD_NOT_REDUCE = 1 << 11
    UNKNOWN_ACCOUNT = 1 << 12
    UNKNOWN_POOL = 1 << 13
    UNKNOWN_INSTRUMENT = 1 << 14
    INVALID_ORDER = 1 << 15
    RISK_NOT_RAISED = 1 << 16  # accepted below initial margin because it cannot raise risk
    CLIENT_ORDER_ID_REUSED = 1 << 17
    MISSING_DATA = 1 << 18  # a margin model or a haircut reads what is not published, such as a volatility
    MATURED_COLLATERAL = 1 << 19  # an asset is past its maturity, and what it paid is not booked

    @property
    def names(self) -> list[str]:
        """Return the names of the bits that are set, lowest first."""
        return [bit.name for bit in Reason if bit in self and bit.name is not None]


INVALID_MASK = 0xFF | Reason.MISSING_DATA | Reason.MATURED_COLLATERAL


class InstrumentKind(enum.IntEnum):
    """Say how an instrument turns a price into value in its settlement asset."""

    SPOT = 1  # quantity x multiplier x mark, held outright: counts in full, has no entry price
    PERPETUAL = 2
    FUTURE = 3
    OPTION = 4  # quantity x multiplier x mark; its premium is paid when it is filled, so it counts in full as well

    @property
    def is_outright(self) -> bool:
        """Say whether the market value counts in full: no entry price, and a fill moves the settlement balance."""
        return self in (InstrumentKind.SPOT, InstrumentKind.OPTION)

    @property
    def expires(self) -> bool:
        """Say whether instruments of this kind expire."""
        return self in (InstrumentKind.FUTURE, InstrumentKind.OPTION)

    @property
    def word(self) -> str:
        """Return the word a rulebook uses."""
        return self.name.lower()


RIGHTS: dict[str, int] = {"call": 1, "put": -1}  # of an option, and the sign by which its payoff follows the price


class Restriction(enum.IntEnum):
    """Say what a pool may still do; the greater restricts more."""

    NONE = 0
    REDUCE_ONLY = 1
    BLOCKED = 2

    @property
    def word(self) -> str:
        """Return the word a rulebook uses."""
        return self.name.lower()


class CallStatus(enum.StrEnum):
    """Say where a margin call stands; all but OPEN are ends."""

    OPEN = "open"
    MET = "met"  # deposits covered it
    CURED = "cured"  # the pool recovered past the step's exit threshold
    UNMET = "unmet"  # its deadline passed
    WAIVED = "waived"  # a person closed it, with a reason
    SUPERSEDED = "superseded"  # a later step demands the whole deficiency, or the pool was closed out


class EventKind(enum.StrEnum):
    """Name what the ladder did, and what people did to its rulebooks."""

    STEP_ENTERED = "step_entered"
    STEP_CLEARED = "step_cleared"
    CALL_ISSUED = "call_issued"
    CALL_FURTHER = "call_further"
    CALL_MET = "call_met"
    CALL_CURED = "call_cured"
    CALL_UNMET = "call_unmet"
    CALL_WAIVED = "call_waived"
    CALL_SUPERSEDED = "call_superseded"
    CALL_ACKNOWLEDGED = "call_acknowledged"
    CALL_EXTENDED = "call_extended"
    CALL_DISPUTED = "call_disputed"
    DEPOSIT_RECORDED = "deposit_recorded"
    RESTRICTED = "restricted"
    RESTRICTION_LIFTED = "restriction_lifted"
    ORDERS_CANCELLED = "orders_cancelled"
    LIQUIDATION_ORDERED = "liquidation_ordered"
    LIQUIDATION_RECALLED = "liquidation_recalled"  # stop and report the round: a more severe one waits for it
    LIQUIDATION_EXECUTED = "liquidation_executed"
    DEFAULT_DECLARED = "default_declared"
    WATERFALL_DRAWN = "waterfall_drawn"
    WATERFALL_COVERED = "waterfall_covered"
    CALL_MIGRATED = "call_migrated"  # it follows another revision from now on
    CALLS_MIGRATED = "calls_migrated"
    POLICY_CHANGED = "policy_changed"
    CHANGE_PROPOSED = "change_proposed"
    CHANGE_AMENDED = "change_amended"  # every approval it had is gone
    CHANGE_APPROVED = "change_approved"
    CHANGE_WITHDRAWN = "change_withdrawn"
    CHANGE_SCHEDULED = "change_scheduled"
    CHANGE_UNSCHEDULED = "change_unscheduled"
    ACTIVATION_FAILED = "activation_failed"  # what was due could not be activated; the last good book stays
    RULEBOOK_ACTIVATED = "rulebook_activated"
    RULEBOOK_ROLLED_BACK = "rulebook_rolled_back"
    GLASS_BROKEN = "glass_broken"  # activated without approval, for a while
    GLASS_APPROVED = "glass_approved"  # approved afterwards: the book stays
    GLASS_EXPIRED = "glass_expired"  # not approved in time: the book before is back
    SHADOW_STARTED = "shadow_started"  # a rulebook is asked beside the active one
    SHADOW_ENDED = "shadow_ended"


class ChangeState(enum.StrEnum):
    """Say where a change of the rulebook stands."""

    PROPOSED = "proposed"  # approvals are missing
    APPROVED = "approved"  # may be activated
    SCHEDULED = "scheduled"  # will be activated at a set time
    ACTIVE = "active"
    REPLACED = "replaced"  # was active
    STALE = "stale"  # another book has become active since it was written
    WITHDRAWN = "withdrawn"
    FAILED = "failed"  # could not be activated when it was due
