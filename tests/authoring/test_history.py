# SPDX-License-Identifier: Apache-2.0
"""A page tells who approved and activated what, from the revisions themselves."""

from __future__ import annotations

from marginrules.authoring.document.history import acts_of
from marginrules.client import Approval, RulebookRevision
from tests.service.changing import Office, book, policy


def test_who_did_what() -> None:
    """Approvals and activations come in order, each once; from the fold and from a client alike."""
    office = Office()
    office.start(policy())
    change = office.propose("ann", book(9))
    for second, who in enumerate(("bob", "cem"), start=1):
        office.second = second
        office.on("approve", who, change)
    office.second = 3
    office.on("apply", "ann", change)
    office.second = 4
    office.break_glass("ann", book(8))
    office.second = 5
    office.act_back("dia")
    revisions = office.shard.revisions
    told = [(one.what, one.who, one.why) for one in acts_of(revisions)]
    assert told == [
        ("activated revision 1", "serve", "start"),
        ("approved CH-1", "bob", "so be it"),
        ("approved CH-1", "cem", "so be it"),
        ("activated revision 2: CH-1 by ann", "ann", "so be it"),
        ("activated without approval revision 3: CH-2 by ann", "ann", "exchange outage"),
        ("went back to revision 2, as revision 4", "dia", "worse"),
    ]
    sent = [
        RulebookRevision(
            revision=one.number,
            name=one.program.name,
            digest=one.program.digest,
            file=one.file,
            activated_ns=one.activated_ns,
            who=one.who,
            why=one.why,
            is_active=False,
            act=one.act,
            change_id=one.change_id,
            authors=one.authors,
            approvals=tuple(Approval(item.who, item.why, item.time_ns, item.key, False) for item in one.approvals),
            restores=one.restores,
        )
        for one in revisions
    ]
    assert acts_of(sent) == acts_of(revisions)
