# SPDX-License-Identifier: Apache-2.0
"""
Changes of the rulebook: who wrote them, who approved them, what they still need.

An author can never approve: a person is the same under another name while the key is the same, and with another key
while the name is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from marginrules.codes import ChangeState
from marginrules.errors import InputError
from marginrules.rulebook import Program
from marginrules.rulebook.compare import Change as Difference
from marginrules.rulebook.compare import compare
from marginrules.service.policy import Demand, Person, Policy, comparable

LOOSER, MIXED = "looser", "mixed"
DIFFERENCES_MAX = 50  # kept with a change
_SOMEBODY = Demand("", 1)


@dataclass(frozen=True, slots=True)
class Approval:
    """Carry one approval; the key is empty where the policy knows none of the person's."""

    who: str
    key: str
    why: str
    time_ns: int
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """
    Carry one change.

    Args:
        text_digest: SHA-256 of the text as it is written; what is approved.
        base: digest of the book that was active when it was written; "" where none was.
        verdict: what it is against that book; `differences` say it in words.
        ended: how it ended; None while it may still be activated.
        at_ns: when it is to be activated; 0: not scheduled.
        revision: that it became; 0: none.
        failure: why it could not be activated when it was due.
        is_glass: activated without approval.
        is_signed: everything that was written was signed.
        is_schedule_signed: so was the act that set the time.
    """

    change_id: str
    program: Program
    file: str
    text_digest: str
    base: str
    verdict: str
    differences: tuple[str, ...]
    authors: tuple[Person, ...]
    why: str
    proposed_ns: int
    approvals: tuple[Approval, ...] = ()
    ended: ChangeState | None = None
    at_ns: int = 0
    scheduled_by: str = ""
    revision: int = 0
    failure: str = ""
    is_glass: bool = False
    is_signed: bool = False
    is_schedule_signed: bool = False

    def is_by(self, person: Person) -> bool:
        """Say whether a person is an author, by name or by key."""
        return any(is_same(person, one) for one in self.authors)


@dataclass(frozen=True, slots=True)
class Glass:
    """Carry a book that is active without approval: until when, and the revision that comes back then."""

    change_id: str
    until_ns: int
    fallback: int


@dataclass(slots=True)
class Changes:
    """
    Hold every change, the policy, and what waits for a time.

    Args:
        scheduled: when what is to be activated.
        nonces: numbers of signatures; each is taken once.
        failures: how often what was due could not be activated.
    """

    policy: Policy | None = None
    known: dict[str, Change] = field(default_factory=dict)
    glass: Glass | None = None
    scheduled: dict[str, int] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    failures: int = 0
    retry_ns: int = 0  # when an overdue way back is tried again; no part of what is recorded

    def get(self, change_id: str) -> Change:
        """Return a change; InputError where there is none."""
        if change_id not in self.known:
            raise InputError("MR-I150", f"change {change_id[:40]!r} is not known", "see `marginrules change list`")
        return self.known[change_id]

    def put(self, change: Change) -> None:
        """Keep a change in place of what it was."""
        self.known[change.change_id] = change
        self.scheduled.pop(change.change_id, None)
        if change.at_ns and change.ended is None:
            self.scheduled[change.change_id] = change.at_ns

    def due_ns(self) -> int | None:
        """Return when time alone has something to do next."""
        if self.glass is None and not self.scheduled:  # as nearly always, and this is asked at every command
            return None
        due = list(self.scheduled.values())
        if self.glass:
            due.append(max(self.glass.until_ns, self.retry_ns))
        return min(due, default=None)

    def state_of(self, change: Change, active: str) -> ChangeState:
        """Return where a change stands; `active` is the digest of the active book."""
        if change.ended is not None:
            return change.ended
        if change.base != active:
            return ChangeState.STALE
        if change.at_ns:
            return ChangeState.SCHEDULED
        return ChangeState.PROPOSED if self.missing(change) else ChangeState.APPROVED

    def missing(self, change: Change) -> tuple[Demand, ...]:
        """
        Return the approvals that a change still needs, by the policy as it is now.

        Each demand is met by different people, none of them an author, all of them in the policy with the key that
        they approved with.
        """
        policy = self.policy
        always, looser = demanded(policy, change)
        approvers = list(self.approvers(change))
        if looser is None:
            return _lacking(always, len([one for one in approvers if _is_in(one, always)]))
        narrow = [one for one in approvers if _is_in(one, looser)]
        wide = [one for one in approvers if _is_in(one, always)]
        # Those who can meet only the narrow demand meet it first.
        spared = min(looser.count, len(narrow)) - len([one for one in narrow if one not in wide])
        return _lacking(looser, len(narrow)) + _lacking(always, len(wide) - max(0, spared))

    def approvers(self, change: Change) -> Iterable[Person]:
        """Yield the different people whose approval counts."""
        policy = self.policy
        if policy is not None and not self._has_known_authors(change, policy):
            return
        found: list[Person] = []
        for one in change.approvals:
            person = Person(one.who, one.key) if policy is None else _approver(policy, one)
            if person and not change.is_by(person) and not any(is_same(person, other) for other in found):
                found.append(person)
        yield from found

    @staticmethod
    def _has_known_authors(change: Change, policy: Policy) -> bool:
        """Say whether the policy can tell who wrote a change, and so who did not."""
        if policy.is_signed and not change.is_signed:
            return False
        return all(policy.person(one.name) or policy.owner(one.key) for one in change.authors)


def _approver(policy: Policy, one: Approval) -> Person | None:
    """Return who gave an approval, by the policy as it is now; None where it counts no more."""
    person = policy.person(one.who)
    if person is None or person.key != one.key or (policy.is_signed and not one.is_signed):
        return None
    return person


def is_same(one: Person, other: Person) -> bool:
    """Say whether two are one person: the same name as it is compared, or the same key."""
    return comparable(one.name) == comparable(other.name) or bool(one.key and one.key == other.key)


def demanded(policy: Policy | None, change: Change) -> tuple[Demand | None, Demand | None]:
    """Return what a change needs anyway, and what it needs for being looser somewhere."""
    always = policy.always if policy else None
    looser = policy.looser if policy and change.verdict in (LOOSER, MIXED) else None
    if change.is_glass and always is None and looser is None:
        return _SOMEBODY, None  # what was activated without asking is never its author's own affair
    return always, looser


def _is_in(person: Person, demand: Demand | None) -> bool:
    return demand is not None and (not demand.group or demand.group in person.groups)


def _lacking(demand: Demand | None, count: int) -> tuple[Demand, ...]:
    if demand is None or count >= demand.count:
        return ()
    return (Demand(demand.group, demand.count - count),)


def compare_books(before: Program | None, after: Program) -> tuple[str, tuple[str, ...]]:
    """Return what a book is against another, and the differences in words; against none it is looser."""
    if before is None:
        return LOOSER, ()
    found = compare(before, after)
    words = [_words(one) for one in found.changes[:DIFFERENCES_MAX]]
    if len(found.changes) > DIFFERENCES_MAX:
        words.append(f"and {len(found.changes) - DIFFERENCES_MAX} more")
    return found.verdict, (*words, *found.text_only[:DIFFERENCES_MAX])


def _words(one: Difference) -> str:
    """Say one difference in a line: what it is about, what it was and is, in which direction, and where it shows."""
    where = f", for {one.range}" if one.range else ""
    return f"{one.subject}: {one.term} {one.before or 'none'} -> {one.after or 'none'}, {one.direction}{where}"
