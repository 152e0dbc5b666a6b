# SPDX-License-Identifier: Apache-2.0
"""
The life of a change: proposed, amended, approved, activated now or at a time, taken back.

Each act is a command of the shard. It first finds out who acts, then whether the act is allowed, and only then changes
anything: an act that is refused raises before that. What becomes active has passed `Shard.check_switch` and, where the
policy asks for approvals, has them from people who did not write it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from marginrules.codes import ChangeState, EventKind
from marginrules.errors import InputError, MarginRulesError
from marginrules.escalation.state import Event
from marginrules.limits import CHANGES_OPEN_MAX, SCHEDULE_NS_MAX
from marginrules.rulebook import Program, load
from marginrules.service import acts, border, signing
from marginrules.service.acts import Act, Signed
from marginrules.service.changes import Approval, Change, Changes, Glass, compare_books, is_same
from marginrules.service.policy import GLASS_NS, Person, canonical_key, comparable, load_policy
from marginrules.service.policy_keys import GLASS_RANGE
from marginrules.units import format_duration, format_time

if TYPE_CHECKING:
    from marginrules.service.shard import Revision, Shard

Data = dict[str, Any]
Done = tuple[Data, list[Event]]
RETRY_NS = 60_000_000_000  # an overdue way back that was refused is tried again after this
_WORDS_MAX = 5  # differences in a message
_DIGITS = 12  # of a digest in messages


@dataclass(frozen=True, slots=True)
class Actor:
    """Carry who acts, with the number of the signature, and why."""

    person: Person
    why: str
    nonce: str = ""  # of the signature; "" where nothing is signed

    @property
    def author(self) -> Person:
        """Return the person as an author: who it is, and not what it may do today."""
        return Person(self.person.name, self.person.key)

    @property
    def words(self) -> Data:
        """Return what an event says of it."""
        return {"who": self.person.name, "why": self.why} | ({"key": self.person.key} if self.person.key else {})


# Who acts


def identify(changes: Changes, data: Data, act: Act) -> Actor:
    """
    Return who acts.

    Raises:
        InputError: the policy does not know the person, or the signature is missing, wrong or not wanted.
    """
    who, why = border.text("who", data["who"]), border.text("why", data["why"])
    policy, given = changes.policy, data.get("signed")
    if policy is None or not policy.is_signed:
        if given:
            hint = "leave the key away" if policy is None else "leave the key away: the policy says `signing: off`"
            raise InputError("MR-I156", "a signature was given, and this server takes none", hint)
        person = policy.person(who) if policy else Person(" ".join(who.split()))
        if person is None:
            raise InputError("MR-I155", f"{who!r} is not in the policy", "name the person in the policy file")
        return Actor(person, why)
    if not given:
        raise InputError("MR-I156", "a signature was missing", "give your private key: --key FILE")
    signed = Signed(given["key"], border.identifier("nonce", given["nonce"]), given["signature"])
    person = policy.owner(canonical_key(signed.key))
    if person is None:
        raise InputError("MR-I155", f"key {signed.key[:44]!r} is not in the policy", "name it in the policy file")
    if comparable(person.name) != comparable(who):
        raise InputError("MR-I155", f"the key of {person.name} was used in the name of {who!r}", "sign as yourself")
    if signed.nonce in changes.nonces:
        raise InputError("MR-I156", "this signature was used before", "sign again")
    if not signing.verify(signed, act, who, why, policy.name):
        hint = "it must name this act, change, text, base and policy; read the change again and sign it"
        raise InputError("MR-I156", f"the signature of {person.name} does not fit what was sent", hint)
    return Actor(person, why, signed.nonce)


def take(changes: Changes, actor: Actor) -> None:
    """Note that the signature of an act was used; it is not taken again."""
    if actor.nonce:
        changes.nonces.add(actor.nonce)


# Writing


def propose(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {file, text, base, who, why, signed}; `base` is the digest of the book that was edited, where known."""
    changes, text, file = shard.changes, data["text"], border.text("file", data["file"])
    base = shard.active_digest
    _check_edited(shard, data.get("base", ""))
    actor = identify(changes, data, acts.propose(file, text, base))
    if sum(one.ended is None for one in changes.known.values()) >= CHANGES_OPEN_MAX:
        raise InputError("MR-I113", f"{CHANGES_OPEN_MAX} changes are open", "withdraw or activate some first")
    _check_differs(shard, text)
    change = _written(shard, file, text, now_ns, shard.active.program if shard.active else None)
    change = replace(change, authors=(actor.author,), why=actor.why, is_signed=bool(actor.nonce))
    take(changes, actor)
    return _keep(shard, change, EventKind.CHANGE_PROPOSED, now_ns, actor.words | {"base": base})


def amend(shard: Shard, data: Data, now_ns: int) -> Done:
    """
    Take {change, file, text, base, who, why, signed}.

    Every approval is gone, and the editor is an author from now on.
    """
    changes, text, file = shard.changes, data["text"], border.text("file", data["file"])
    change = changes.get(data["change"])
    _check_edited(shard, data.get("base", ""))
    actor = identify(changes, data, acts.amend(change.change_id, file, text, shard.active_digest))
    if change.ended not in (None, ChangeState.FAILED):
        raise InputError("MR-I151", f"{change.change_id} is {change.ended}", "propose a new change")
    _check_differs(shard, text)
    written = _written(shard, file, text, now_ns, shard.active.program if shard.active else None)
    # Whoever wrote under two keys or two names stays an author under both.
    authors = change.authors if actor.author in change.authors else (*change.authors, actor.author)
    amended = replace(
        written,
        change_id=change.change_id,
        authors=authors,
        why=actor.why,
        proposed_ns=change.proposed_ns,
        is_signed=change.is_signed and bool(actor.nonce),
    )
    take(changes, actor)
    revoked = [one.who for one in change.approvals]
    details = actor.words | {"base": amended.base} | ({"revoked": revoked} if revoked else {})
    return _keep(shard, amended, EventKind.CHANGE_AMENDED, now_ns, details)


def _written(shard: Shard, file: str, text: str, now_ns: int, before: Program | None) -> Change:
    program = load(text.encode(), file)
    verdict, differences = compare_books(before, program)
    return Change(
        change_id=f"CH-{len(shard.changes.known) + 1}",
        program=program,
        file=file,
        text_digest=acts.text_digest(text),
        base=before.digest if before else "",
        verdict=verdict,
        differences=differences,
        authors=(),
        why="",
        proposed_ns=now_ns,
    )


def _check_edited(shard: Shard, base: str) -> None:
    """Refuse a text that was written on top of another book: it would take back what has changed since, unseen."""
    if base and base != shard.active_digest:
        raise InputError("MR-I154", f"the text was {_other_book(shard, base)}", "put your edit on the active text")


def _check_differs(shard: Shard, text: str) -> None:
    if shard.active is not None and shard.active.program.text == text.encode():
        raise InputError("MR-I102", "text was that of the active rulebook", "nothing would change")


# Agreeing


def approve(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {change, text_digest, who, why, signed}; the digest is of the text that was read."""
    changes = shard.changes
    change = changes.get(data["change"])
    _check_text(change, data["text_digest"])
    actor = identify(changes, data, _act_on("approve", change))
    is_running = changes.glass is not None and changes.glass.change_id == change.change_id
    if change.ended is not None and not is_running:
        raise InputError("MR-I151", f"{change.change_id} is {change.ended}", "only an open change is approved")
    if not is_running:
        _check_base(shard, change)
    if change.is_by(actor.person):
        hint = "somebody who did not write or amend it must approve it"
        raise InputError("MR-I153", f"{actor.person.name} is an author of {change.change_id}", hint)
    author = actor.author
    others = tuple(one for one in change.approvals if not is_same(Person(one.who, one.key), author))
    approval = Approval(author.name, author.key, actor.why, now_ns, bool(actor.nonce))
    approved = replace(change, approvals=(*others, approval))
    take(changes, actor)
    done = _keep(shard, approved, EventKind.CHANGE_APPROVED, now_ns, actor.words)
    if is_running and not changes.missing(approved):
        _keep_glass(shard, approved, now_ns, done[1])
    return done


def withdraw(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {change, who, why, signed}."""
    change = shard.changes.get(data["change"])
    actor = identify(shard.changes, data, _act_on("withdraw", change))
    if change.ended not in (None, ChangeState.FAILED):
        hint = "to take an active book back: marginrules rulebook rollback"
        raise InputError("MR-I151", f"{change.change_id} is {change.ended}", hint)
    take(shard.changes, actor)
    withdrawn = replace(change, ended=ChangeState.WITHDRAWN, at_ns=0, scheduled_by="")
    return _keep(shard, withdrawn, EventKind.CHANGE_WITHDRAWN, now_ns, actor.words)


# Activating


def apply_change(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {change, text_digest, who, why, signed}; an empty digest takes the text as it is."""
    change = shard.changes.get(data["change"])
    _check_text(change, data.get("text_digest") or change.text_digest)
    actor = identify(shard.changes, data, _act_on("apply", change))
    _check_ready(shard, change)
    shard.check_switch(change.program, now_ns)
    take(shard.changes, actor)
    return _activate(shard, change, actor.person.name, actor.why, now_ns)


def schedule(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {change, text_digest, at_ns, who, why, signed}."""
    change, at_ns = shard.changes.get(data["change"]), border.time_ns("at_ns", data["at_ns"])
    _check_text(change, data.get("text_digest") or change.text_digest)
    actor = identify(shard.changes, data, _act_on("schedule", change, at_ns))
    _check_ready(shard, change)
    if not now_ns < at_ns <= now_ns + SCHEDULE_NS_MAX:
        hint = f"give a time from now on, at most {format_duration(SCHEDULE_NS_MAX)} ahead"
        raise InputError("MR-I102", f"time was {format_time(at_ns)}", hint)
    shard.check_switch(change.program, at_ns)
    take(shard.changes, actor)
    by = actor.person.name
    scheduled = replace(change, at_ns=at_ns, scheduled_by=by, is_schedule_signed=bool(actor.nonce))
    return _keep(shard, scheduled, EventKind.CHANGE_SCHEDULED, now_ns, actor.words, due_ns=at_ns)


def unschedule(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {change, who, why, signed}."""
    change = shard.changes.get(data["change"])
    actor = identify(shard.changes, data, _act_on("unschedule", change))
    if not change.at_ns or change.ended is not None:
        raise InputError("MR-I151", f"{change.change_id} is not scheduled")
    take(shard.changes, actor)
    kept = replace(change, at_ns=0, scheduled_by="")
    return _keep(shard, kept, EventKind.CHANGE_UNSCHEDULED, now_ns, actor.words)


def _act_on(kind: str, change: Change, at_ns: int = 0) -> Act:
    return acts.act_on(kind, change.change_id, change.text_digest, change.base, at_ns)


def _check_text(change: Change, digest: str) -> None:
    if digest != change.text_digest:
        message = f"the text of {change.change_id} is not the one that was read"
        raise InputError("MR-I151", message, f"read it again: marginrules change show {change.change_id}")


def _check_base(shard: Shard, change: Change) -> None:
    if change.base == shard.active_digest:
        return
    hint = f"put your edit on the active text: marginrules change amend {change.change_id} FILE"
    raise InputError("MR-I154", f"{change.change_id} was {_other_book(shard, change.base)}", hint)


def _other_book(shard: Shard, base: str) -> str:
    """Say what a text was made for, and what the active book is against that, in words."""
    made_for, now = base[:_DIGITS] or "no book", shard.active_digest[:_DIGITS]
    verdict, words = compare_books(shard.programs.get(base), shard.program)
    said = f"made for {made_for}, and {now} is active now, which is {verdict}"
    return f"{said}: {'; '.join(words[:_WORDS_MAX])}" if words else said


def _check_ready(shard: Shard, change: Change) -> None:
    """Refuse what may not be activated: not open, without approval, made for another book, or while glass is broken."""
    changes = shard.changes
    if change.ended is not None:
        hint = f"amend it: marginrules change amend {change.change_id} FILE"
        raise InputError(
            "MR-I151",
            f"{change.change_id} is {change.ended}",
            hint if change.ended is ChangeState.FAILED else "propose a new change",
        )
    _check_base(shard, change)
    if changes.glass is not None:
        message = f"{changes.glass.change_id} is active without approval"
        raise InputError("MR-I151", message, "approve it, or roll back, before anything else is activated")
    if changes.policy is not None and changes.policy.is_signed and not change.is_signed:
        hint = "propose it again, signed: what was written unsigned counts for nothing once signing is required"
        raise InputError("MR-I152", f"{change.change_id} was written without a signature", hint)
    missing = changes.missing(change)
    if missing:
        words = " and ".join(one.words for one in missing)
        hint = f"somebody who did not write it: marginrules change approve {change.change_id}"
        raise InputError("MR-I152", f"{change.change_id} needs {words}", hint)


def _activate(shard: Shard, change: Change, who: str, why: str, now_ns: int) -> Done:
    made = shard.switch(
        change.program,
        change.file,
        who,
        why,
        now_ns,
        act="apply",
        change_id=change.change_id,
        authors=tuple(one.name for one in change.authors),
        approvals=change.approvals,
    )
    activated = replace(change, ended=ChangeState.ACTIVE, revision=made.reply["revision"], at_ns=0, failure="")
    shard.changes.put(activated)
    return made.reply | {"change": change.change_id}, made.events


# Breaking glass


def break_glass(shard: Shard, data: Data, now_ns: int) -> Done:
    """
    Take {file, text, expires_ns, who, why, signed}: activate at once, without approval.

    The book before comes back when the time is over, unless the change is approved until then. Doing it again while it
    runs gives no more time.
    """
    changes, text, active = shard.changes, data["text"], shard.active
    file = border.text("file", data["file"])
    if active is None:
        raise InputError("MR-I115", "no rulebook is active", "activate one first; that needs no approval yet")
    act = acts.break_glass(file, text, active.program.digest, data.get("expires_ns", 0))
    actor = identify(changes, data, act)
    until_ns = now_ns + _glass_ns(changes, actor.person, data.get("expires_ns", 0))
    fallback, running = active, changes.glass
    if running:
        fallback, until_ns = shard.revision(running.fallback), min(until_ns, running.until_ns)
    change = _written(shard, file, text, now_ns, fallback.program)
    shard.check_switch(change.program, now_ns)
    signed, author = bool(actor.nonce), actor.author
    change = replace(change, authors=(author,), why=actor.why, is_signed=signed, is_glass=True)
    take(changes, actor)
    made = shard.switch(
        change.program,
        file,
        actor.person.name,
        actor.why,
        now_ns,
        act="break_glass",
        change_id=change.change_id,
        authors=(actor.person.name,),
        is_approved=False,
    )
    changes.put(replace(change, ended=ChangeState.ACTIVE, revision=made.reply["revision"]))
    changes.glass = Glass(change.change_id, until_ns, fallback.number)
    details = actor.words | {"verdict": change.verdict, "until_ns": until_ns}
    event = _event(change, EventKind.GLASS_BROKEN, now_ns, details, due_ns=until_ns)
    return made.reply | {"change": change.change_id, "until_ns": until_ns}, [event, *made.events]


def _glass_ns(changes: Changes, person: Person, asked_ns: int) -> int:
    policy = changes.policy
    if policy is not None and policy.glass_group not in person.groups:
        whom = f"only group {policy.glass_group} may" if policy.glass_group else "the policy lets nobody do it"
        raise InputError("MR-I155", f"{person.name} may not activate without approval", whom)
    most = policy.glass_ns if policy else int(GLASS_RANGE.high)
    if asked_ns and not GLASS_RANGE.low <= asked_ns <= most:
        hint = f"allowed: from {format_duration(int(GLASS_RANGE.low))} to {format_duration(most)}"
        raise InputError("MR-I102", f"expires_ns was {asked_ns}", hint)
    return asked_ns or (policy.glass_ns if policy else GLASS_NS)


def _keep_glass(shard: Shard, change: Change, now_ns: int, events: list[Event]) -> None:
    """Let a book that was activated without approval stay, now that it has it."""
    shard.changes.glass = None
    shard.approve_revision(change.revision, change.approvals)
    approved_by = [one.who for one in change.approvals]
    events.append(_event(change, EventKind.GLASS_APPROVED, now_ns, {"approved_by": approved_by}))


# Going back


def roll_back(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {revision, who, why, signed}; 0 for the one before. The old text becomes a new revision."""
    changes = shard.changes
    found = shard.revision(data["revision"]) if data["revision"] else previous(shard)
    act = acts.roll_back(data["revision"], found.program.digest, shard.active_digest)
    actor = identify(changes, data, act)
    if not found.is_approved:
        message = f"revision {found.number} was activated without approval and never got it"
        raise InputError("MR-I152", message, "propose its text again")
    shard.check_switch(found.program, now_ns)
    take(changes, actor)
    return _restore(shard, found, actor.person.name, actor.why, now_ns)


def previous(shard: Shard) -> Revision:
    """
    Return the revision to which one step leads back; InputError where there is none.

    From a revision that restored another one, it leads to the one before that.
    """
    active = shard.active
    if active is None:
        raise InputError("MR-I115", "no rulebook is active", "activate one first")
    place = active.restores or active.number
    for one in reversed(shard.revisions):
        original = shard.revision(one.restores) if one.restores else one
        if original.number < place and original.is_approved and original.program.text != active.program.text:
            return original
    raise InputError("MR-I116", "there is no revision before the active one", "see `marginrules rulebook list`")


def _restore(shard: Shard, found: Revision, who: str, why: str, now_ns: int) -> Done:
    made = shard.switch(
        found.program,
        found.file,
        who,
        why,
        now_ns,
        act="rollback",
        change_id=found.change_id,
        authors=found.authors,
        approvals=found.approvals,
        restores=found.restores or found.number,
    )
    return made.reply, made.events


# Time


def pass_time(shard: Shard, now_ns: int) -> list[Event]:
    """Do what is due, in the order in which it fell due; what cannot be done is told, and the last good book stays."""
    events: list[Event] = []
    changes, is_tried = shard.changes, False
    while True:
        passed = [name for name, at_ns in changes.scheduled.items() if at_ns <= now_ns]
        due = changes.known[min(passed, key=changes.scheduled.__getitem__)] if passed else None
        glass = changes.glass
        # Tried at every tick and not only when it is time for that: ticks that did nothing are not recorded, so that
        # what one does must not depend on them.
        if glass and not is_tried and glass.until_ns <= (due.at_ns if due else now_ns):
            _expire(shard, glass, now_ns, events)
            is_tried = True
        elif due:
            _activate_due(shard, due, now_ns, events)
        else:
            return events


def _activate_due(shard: Shard, change: Change, now_ns: int, events: list[Event]) -> None:
    try:
        _check_ready(shard, change)
        _check_scheduler(shard, change)
        shard.check_switch(change.program, now_ns)
    except MarginRulesError as error:
        failed = replace(change, ended=ChangeState.FAILED, at_ns=0, failure=str(error))
        shard.changes.put(failed)
        _tell_failure(shard, change, error, now_ns, events)
        return
    events += _activate(shard, change, change.scheduled_by, change.why, now_ns)[1]


def _check_scheduler(shard: Shard, change: Change) -> None:
    """Refuse what somebody set a time for whom the policy does not know any more, or who did not sign that."""
    policy = shard.changes.policy
    if policy is None:
        return
    if policy.person(change.scheduled_by) is None:
        message = f"the policy knows nobody named {change.scheduled_by!r}, who set the time of {change.change_id}"
        raise InputError("MR-I155", message, "schedule it again")
    if policy.is_signed and not change.is_schedule_signed:
        raise InputError("MR-I156", f"the time of {change.change_id} was set without a signature", "schedule it again")


def _expire(shard: Shard, glass: Glass, now_ns: int, events: list[Event]) -> None:
    changes, change = shard.changes, shard.changes.get(glass.change_id)
    if not changes.missing(change):  # the policy asks for less by now
        _keep_glass(shard, change, now_ns, events)
        return
    fallback = shard.revision(glass.fallback)
    try:
        shard.check_switch(fallback.program, now_ns)
    except MarginRulesError as error:
        changes.retry_ns = now_ns + RETRY_NS
        if not change.failure:  # said once; tried again until it succeeds
            changes.put(replace(change, failure=str(error)))
            _tell_failure(shard, change, error, now_ns, events)
        return
    why = f"{change.change_id} was not approved in time"
    events.append(_event(change, EventKind.GLASS_EXPIRED, now_ns, {"why": why}))
    events += _restore(shard, fallback, "marginrules", why, now_ns)[1]


def _tell_failure(shard: Shard, change: Change, error: MarginRulesError, now_ns: int, events: list[Event]) -> None:
    shard.changes.failures += 1
    details = {"code": error.code, "message": error.message}
    events.append(_event(change, EventKind.ACTIVATION_FAILED, now_ns, details))


# The policy


def set_policy(shard: Shard, data: Data, now_ns: int) -> Done:
    """Take {file, text}: from now on, it says who may do what. Given at the start of the server, not by clients."""
    policy = load_policy(data["text"].encode(), data["file"])
    if policy.is_signed:
        signing.check_installed()
    shard.changes.policy = policy
    digest = acts.text_digest(data["text"])
    details = {"file": data["file"], "signing": "required" if policy.is_signed else "off", "policy_digest": digest}
    return {"policy_digest": digest}, [Event(EventKind.POLICY_CHANGED, now_ns, "", "", "", data=details)]


# What is kept and told


def note_switch(changes: Changes, revision: Revision) -> None:
    """Note that another revision is active: what was active is replaced, and no glass is broken any more."""
    for one in [one for one in changes.known.values() if one.ended is ChangeState.ACTIVE]:
        changes.put(replace(one, ended=ChangeState.REPLACED))
    if revision.restores and revision.change_id:
        changes.put(replace(changes.known[revision.change_id], ended=ChangeState.ACTIVE))
    changes.glass, changes.retry_ns = None, 0


def _keep(shard: Shard, change: Change, kind: EventKind, now_ns: int, details: Data, *, due_ns: int = 0) -> Done:
    shard.changes.put(change)
    missing = [one.words for one in shard.changes.missing(change)] if change.ended is None else []
    details = details | {"verdict": change.verdict} | ({"needs": missing} if missing else {})
    reply = {"change": change.change_id, "text_digest": change.text_digest, "verdict": change.verdict, "needs": missing}
    return reply, [_event(change, kind, now_ns, details, due_ns=due_ns)]


def _event(change: Change, kind: EventKind, now_ns: int, details: Data, *, due_ns: int = 0) -> Event:
    return Event(kind, now_ns, "", change.program.digest, "", due_ns=due_ns, data=details, change_id=change.change_id)


def activated(revision: Revision) -> Event:
    """Say that a revision is active."""
    kind = EventKind.RULEBOOK_ROLLED_BACK if revision.act == "rollback" else EventKind.RULEBOOK_ACTIVATED
    details: Data = {"revision": revision.number, "act": revision.act, "who": revision.who, "why": revision.why}
    if revision.restores:
        details["restores"] = revision.restores
    if revision.approvals:
        details["approved_by"] = [one.who for one in revision.approvals]
    digest = revision.program.digest
    return Event(kind, revision.activated_ns, "", digest, "", data=details, change_id=revision.change_id)


ACTS: dict[str, Callable[[Shard, Data, int], Done]] = {
    "propose": propose,
    "amend": amend,
    "approve": approve,
    "withdraw": withdraw,
    "apply": apply_change,
    "schedule": schedule,
    "unschedule": unschedule,
    "break_glass": break_glass,
    "rollback": roll_back,
    "policy": set_policy,
}
