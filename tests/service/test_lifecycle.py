# SPDX-License-Identifier: Apache-2.0
"""The life of a change: no book becomes active without the approvals it needs, and each act is an event."""

from __future__ import annotations

import pytest

from marginrules.codes import ChangeState
from marginrules.errors import InputError, RulebookError
from marginrules.units import SECOND_NS
from tests.service.changing import HOUR, START, Office, book, policy


@pytest.fixture
def office() -> Office:
    """Four people, of whom two have to agree to what is looser; nothing is signed."""
    made = Office()
    made.start(policy())
    return made


def refused(code: str) -> pytest.RaisesExc[InputError]:
    """Expect a refusal."""
    return pytest.raises(InputError, match=rf"\[{code}\]")


def test_proposed_approved_applied(office: Office) -> None:
    """A change goes its way, and the revision tells who wrote and approved it."""
    change = office.propose("ann", book(9))
    assert office.state(change) is ChangeState.PROPOSED
    assert office.needs(change) == ["1 of committee", "1 of risk"]
    office.on("approve", "bob", change)
    office.on("approve", "cem", change)
    assert office.state(change) is ChangeState.APPROVED
    office.on("apply", "ann", change)
    assert office.active == book(9)
    assert office.state(change) is ChangeState.ACTIVE
    revision = office.shard.active
    assert revision is not None
    assert (revision.number, revision.change_id, revision.authors) == (2, "CH-1", ("ann",))
    assert [(one.who, one.why) for one in revision.approvals] == [("bob", "so be it"), ("cem", "so be it")]
    assert office.kinds == [
        "rulebook_activated",
        "policy_changed",
        "change_proposed",
        "change_approved",
        "change_approved",
        "rulebook_activated",
    ]


def test_unapproved_is_never_active(office: Office) -> None:
    """Applying, scheduling and activating are refused while an approval is missing."""
    change = office.propose("ann", book(8))
    office.on("approve", "bob", change)
    with refused("MR-I152"):
        office.on("apply", "ann", change)
    with refused("MR-I152"):
        office.on("schedule", "ann", change, at=HOUR)
    with refused("MR-I157"):
        office.do("activate", text=book(8), file="r.yaml", who="ann", why="now")
    assert office.active == book()


@pytest.mark.parametrize("name", ["ann", "ANN", " ann ", "\N{FULLWIDTH LATIN SMALL LETTER A}nn"])
def test_author_never_approves(office: Office, name: str) -> None:
    """However the author writes their name."""
    change = office.propose("ann", book(9))
    with refused("MR-I153"):
        office.on("approve", name, change)


def test_strangers_do_nothing(office: Office) -> None:
    """Who is not in the policy neither proposes nor approves."""
    with refused("MR-I155"):
        office.propose("eve", book(9))
    change = office.propose("ann", book(9))
    with refused("MR-I155"):
        office.on("approve", "eve", change)


def test_demands_are_met_by_different_people(office: Office) -> None:
    """One person in both groups is one approval, given as often as they like."""
    change = office.propose("ann", book(9))
    office.on("approve", "dia", change)
    office.on("approve", "Dia", change)
    assert len(office.change(change).approvals) == 1
    assert office.needs(change) == ["1 of risk"]
    office.on("approve", "bob", change)
    assert office.needs(change) == []


def test_edit_revokes_approvals(office: Office) -> None:
    """Who edits becomes an author, and everybody has to agree again."""
    change = office.propose("ann", book(9))
    office.on("approve", "bob", change)
    office.on("approve", "cem", change)
    office.amend("dia", change, book(8))
    assert office.needs(change) == ["1 of committee", "1 of risk"]
    with refused("MR-I153"):
        office.on("approve", "dia", change)
    with refused("MR-I153"):
        office.on("approve", "ann", change)
    assert office.events[-1].data["revoked"] == ["bob", "cem"]


def test_approval_is_of_the_text_that_was_read(office: Office) -> None:
    """An approval that crosses an edit is refused."""
    change = office.propose("ann", book(9))
    read = office.change(change).text_digest
    office.amend("ann", change, book(8))
    with refused("MR-I151"):
        office.do("approve", change=change, text_digest=read, who="bob", why="fine")


def test_stale_change_is_refused_with_the_difference(office: Office) -> None:
    """What was written for another book is not activated; amending puts it on the active one."""
    first, second = office.propose("ann", book(9)), office.propose("bob", book(10, call=125))
    for change, who in ((first, "bob"), (second, "ann")):
        office.on("approve", who, change)
        office.on("approve", "cem", change)
    office.on("apply", "ann", first)
    assert office.state(second) is ChangeState.STALE
    with refused("MR-I154"):
        office.on("apply", "ann", second)
    with refused("MR-I154"):
        office.on("approve", "dia", second)
    office.amend("bob", second, book(9, call=125))
    assert office.state(second) is ChangeState.PROPOSED


def test_text_written_for_another_book_is_refused(office: Office) -> None:
    """A proposal says what it was written for, so that it takes nothing back unseen."""
    with refused("MR-I154"):
        office.do("propose", file="r.yaml", text=book(9), base="0" * 64, who="ann", why="late")


def test_bad_text_changes_nothing(office: Office) -> None:
    """A text with problems is neither proposed nor activated by breaking glass."""
    with pytest.raises(RulebookError):
        office.propose("ann", "rulebook: x\n")
    with pytest.raises(RulebookError):
        office.break_glass("ann", "rulebook: x\n")
    assert office.active == book()
    assert office.shard.changes.known == {}


def test_withdrawn_is_over(office: Office) -> None:
    """A withdrawn change is neither approved nor applied."""
    change = office.propose("ann", book(9))
    office.on("withdraw", "bob", change)
    for kind in ("approve", "apply", "withdraw"):
        with refused("MR-I151"):
            office.on(kind, "cem", change)


# At a set time


def approved(office: Office, text: str) -> str:
    """Propose a text and approve it."""
    change = office.propose("ann", text)
    office.on("approve", "bob", change)
    office.on("approve", "cem", change)
    return change


def test_scheduled_is_activated_in_time(office: Office) -> None:
    """At the set time and not before, by the timers of the fold."""
    change = approved(office, book(9))
    office.on("schedule", "ann", change, at=HOUR)
    assert office.state(change) is ChangeState.SCHEDULED
    office.wait(HOUR - 1)
    assert office.active == book()
    office.wait(1)
    assert office.active == book(9)
    assert office.shard.active is not None
    assert office.shard.active.activated_ns == START + HOUR * SECOND_NS


def test_unscheduled_is_not_activated(office: Office) -> None:
    """It is approved still, and waits for nothing."""
    change = approved(office, book(9))
    office.on("schedule", "ann", change, at=HOUR)
    office.on("unschedule", "bob", change)
    office.wait(2 * HOUR)
    assert office.state(change) is ChangeState.APPROVED


@pytest.mark.parametrize("spoiler", ["stale", "policy", "amended"])
def test_failed_at_its_time_leaves_the_last_good_book(office: Office, spoiler: str) -> None:
    """Another book in the meantime, or an approver who left: an event, and the active book stays."""
    change = approved(office, book(9))
    office.on("schedule", "ann", change, at=HOUR)
    expected = book()
    if spoiler == "stale":
        office.on("apply", "ann", approved(office, book(7)))
        expected = book(7)
    elif spoiler == "policy":
        office.do("policy", file="p", text=policy().replace("cem:", "cem2:"))
    else:
        office.amend("ann", change, book(8))
    office.wait(2 * HOUR)
    assert office.active == expected
    failed = spoiler != "amended"
    assert (office.state(change) is ChangeState.FAILED) is failed
    assert ("activation_failed" in office.kinds) is failed
    assert office.shard.changes.failures == failed


# Breaking glass


def test_broken_glass_expires(office: Office) -> None:
    """Without approval the book before comes back by itself."""
    change = office.break_glass("ann", book(8))
    assert office.active == book(8)
    office.wait(2 * HOUR - 1)
    assert office.active == book(8)
    office.wait(1)
    assert office.active == book()
    assert office.state(change) is ChangeState.REPLACED
    assert office.kinds[-4:] == ["glass_broken", "rulebook_activated", "glass_expired", "rulebook_rolled_back"]
    with refused("MR-I152"):
        office.roll_back("ann", 2)


def test_broken_glass_stays_once_approved(office: Office) -> None:
    """Approved afterwards by others, it is a book like any other."""
    change = office.break_glass("ann", book(8))
    with refused("MR-I153"):
        office.on("approve", "ann", change)
    office.on("approve", "bob", change)
    assert office.shard.changes.glass is not None
    office.on("approve", "cem", change)
    assert office.shard.changes.glass is None
    office.wait(3 * HOUR)
    assert office.active == book(8)
    assert office.shard.active is not None
    assert [one.who for one in office.shard.active.approvals] == ["bob", "cem"]
    assert office.shard.active.is_approved


def test_broken_glass_is_no_way_round_approval(office: Office) -> None:
    """Nothing is built on a book that nobody approved, and doing it again gives no more time."""
    office.break_glass("ann", book(8))
    change = approved(office, book(8) + "# words\n")
    with refused("MR-I151"):
        office.on("apply", "ann", change)
    office.wait(HOUR)
    office.break_glass("bob", book(7))
    office.wait(HOUR)
    assert office.active == book()


def test_only_its_group_breaks_glass(office: Office) -> None:
    """And for no longer than the policy says."""
    with refused("MR-I155"):
        office.break_glass("cem", book(8))
    with refused("MR-I102"):
        office.break_glass("ann", book(8), expires_ns=3 * HOUR * SECOND_NS)


def test_broken_glass_needs_somebody_else_even_without_policy() -> None:
    """Where nothing is asked for approval, what was activated in a hurry is still looked at by a second person."""
    office = Office()
    office.start()
    change = office.break_glass("ann", book(8))
    with refused("MR-I153"):
        office.on("approve", "Ann", change)
    office.on("approve", "bob", change)
    office.wait(3 * HOUR)
    assert office.active == book(8)


# Going back


def test_roll_back_in_one_step(office: Office) -> None:
    """Each step leads to the book before, never back to what was taken back."""
    for text in (book(9), book(7)):
        office.on("apply", "ann", approved(office, text))
    office.act_back("bob")
    assert office.active == book(9)
    office.act_back("bob")
    assert office.active == book()
    with refused("MR-I116"):
        office.act_back("bob")
    assert office.state("CH-1") is ChangeState.REPLACED
    office.roll_back("ann", 3)
    assert office.active == book(7)
    assert office.state("CH-2") is ChangeState.ACTIVE
    assert office.shard.active is not None
    assert office.shard.active.approvals == office.shard.revision(3).approvals


def test_without_policy_nothing_is_asked() -> None:
    """As before there were changes: activated directly, or proposed and applied by one person."""
    office = Office()
    office.start()
    office.do("activate", text=book(9), file="r.yaml", who="ann", why="now")
    change = office.propose("ann", book(8))
    office.on("apply", "ann", change)
    assert office.active == book(8)


def test_replay_gives_the_same(office: Office) -> None:
    """The same commands again give the same state."""
    change = approved(office, book(9))
    office.on("schedule", "ann", change, at=HOUR)
    office.wait(2 * HOUR)
    office.break_glass("ann", book(8))
    office.wait(3 * HOUR)
    again = Office()
    for kind, data, now_ns in office.log:
        again.events += again.shard.apply(kind, data, now_ns).events
    assert again.events == office.events
    assert [(one.number, one.who, one.approvals) for one in again.shard.revisions] == [
        (one.number, one.who, one.approvals) for one in office.shard.revisions
    ]
