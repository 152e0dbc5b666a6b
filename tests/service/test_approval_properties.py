# SPDX-License-Identifier: Apache-2.0
"""Whatever people do in whatever order: no book becomes active without the approval of who did not write it."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from marginrules.errors import InputError
from marginrules.service.shard import Revision
from tests.service.changing import PEOPLE, Office, book, key_of, policy

TEXTS = tuple(book(rate) for rate in (7, 8, 9, 10, 11))
GROUPS = {"ann": {"risk"}, "bob": {"risk"}, "cem": {"committee"}, "dia": {"risk", "committee"}}
SPELLINGS = (str, str.upper, lambda name: f" {name} ")
ACTS = ("propose", "propose", "amend", *["approve"] * 6, "withdraw", *["apply"] * 4, *["schedule"] * 2, "unschedule")
OTHERS = ("rollback", "break_glass", "activate", "wait", "swap")
KEYS = {name: key_of(name)[1] for name in PEOPLE}
SCRIPTS, LENGTH = 60, 60
SWAPPED = KEYS | {"ann": KEYS["bob"], "bob": KEYS["ann"]}


def draw_script(draw: random.Random, length: int) -> list[tuple[Any, ...]]:
    """Draw acts: mostly what could succeed, so that scripts get somewhere; among it what must not."""
    return [
        (
            draw.choice(ACTS * 2 + OTHERS),
            draw.choice(PEOPLE * 4 + ("eve",)),
            draw.choice((str, str, *SPELLINGS)),
            draw.choice((-1, -1, -1, -1, -2, -3)),
            draw.choice(TEXTS),
            draw.choice(("",) * 16 + PEOPLE),
        )
        for _ in range(length)
    ]


class Witness:
    """Keep, beside the shard and without looking into it, who wrote and who approved which text, by name and by key."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.keys = KEYS
        self.writers: dict[str, set[str]] = {}  # of a change: names and keys
        self.approvers: dict[str, dict[str, str]] = {}  # of a change's text as it is: name -> key
        self.bases: dict[str, str] = {}
        self.sound = {1}  # revisions that may be gone back to

    def note(self, kind: str, who: str, change: str) -> None:
        """Note an act that was not refused."""
        name = who.strip().lower()
        if kind in ("propose", "amend", "break_glass"):
            self.writers.setdefault(change, set()).update((name, self.keys[name]))
            self.approvers[change] = {}
        elif kind == "approve":
            assert name not in self.writers[change], "an author approved, by name"
            assert self.keys[name] not in self.writers[change], "an author approved, by key"
            self.approvers[change][name] = self.keys[name]

    def is_approved(self, change: str, is_looser: bool) -> bool:
        """Say whether a change has what it needs, found by trying every pair of approvers."""
        valid = [name for name, key in self.approvers[change].items() if self.keys[name] == key]
        if not is_looser:
            return any("risk" in GROUPS[name] for name in valid)
        pairs = ((one, other) for one in valid for other in valid if one != other)
        return any("risk" in GROUPS[one] and "committee" in GROUPS[other] for one, other in pairs)

    def judge(self, revision: Revision, before: Revision) -> None:
        """Check that a revision had the right to become active."""
        if revision.act == "rollback":
            assert revision.restores in self.sound, "a book that nobody approved came back"
            self.sound.add(revision.number)
        elif revision.act == "apply":
            is_looser = _rate(revision) < _rate(before)
            assert self.is_approved(revision.change_id, is_looser), "a book became active without approval"
            assert before.number in self.sound, "a book was built on one that nobody approved"
            self.sound.add(revision.number)
        else:
            assert revision.act == "break_glass", "with a policy there is no other way"


def _rate(revision: Revision) -> int:
    text = revision.program.text.decode()
    return int(text.split("initial: ")[1].split("%")[0])


def carry_out(office: Office, witness: Witness, step: tuple[Any, ...]) -> None:
    """Do one act; a refusal is an answer too."""
    kind, name, spell, number, text, key = step
    known = office.shard.changes.known
    who, change = spell(name), f"CH-{max(1, len(known) + 1 + number)}"  # the newest ones
    made = change
    if kind == "wait":
        office.wait(-number * 2_000)
    elif kind == "swap":
        witness.keys = SWAPPED if witness.keys is KEYS else KEYS
        office.do("policy", file="p", text=policy("required" if office.signs else "off", **witness.keys))
    elif kind == "propose":
        made = office.propose(who, text, key=key or name)
    elif kind == "amend":
        office.amend(who, change, text, key=key or name)
    elif kind == "schedule":
        office.on(kind, who, change, at=office.second + 1_000, key=key or name)
    elif kind == "rollback":
        office.roll_back(who, max(1, len(office.shard.revisions) + 1 + number), key=key or name)
    elif kind == "break_glass":
        made = office.break_glass(who, text, key=key or name)
    elif kind == "activate":
        office.do("activate", text=text, file="r", who=who, why="x")
    else:
        office.on(kind, who, change, key=key or name)
    witness.note(kind, who, made)


@pytest.mark.parametrize("signs", [False, True])
def test_nothing_is_active_without_approval(signs: bool) -> None:
    """Random scripts of acts, with wrong names, keys and texts, swapped keys, schedules and broken glass."""
    seen = Counter[str]()
    for seed in range(SCRIPTS):
        script = draw_script(random.Random(f"{seed} {signs}"), LENGTH)  # noqa: S311 - the same each time
        seen += Counter(run_script(signs, script))
    # Scripts that only ever get refused would show nothing.
    assert all(seen[kind] >= SCRIPTS // 10 for kind in ("apply", "schedule done", "rollback", "break_glass")), seen
    assert seen["glass approved"] >= 3


def run_script(signs: bool, script: list[tuple[Any, ...]]) -> Iterator[str]:
    """Carry out a script, judging what becomes active; yield what got through."""
    office = Office(signs=signs)
    office.start(policy("required" if signs else "off", **KEYS))
    witness = Witness(office)
    seen = 1
    for step in script:
        with contextlib.suppress(InputError):
            carry_out(office, witness, step)
            yield f"{step[0]} done"
        for revision in office.shard.revisions[seen:]:
            witness.judge(revision, office.shard.revisions[seen - 1])
            seen += 1
            yield revision.act
        active = office.shard.active
        assert active is not None
        if active.act == "break_glass" and office.shard.changes.glass is None:
            change = office.change(active.change_id)
            is_looser = change.verdict not in {"stricter", "equivalent"}
            if active.number not in witness.sound:
                assert witness.is_approved(active.change_id, is_looser), "glass stayed broken without approval"
                witness.sound.add(active.number)
                yield "glass approved"
    again = Office()
    for kind, data, now_ns in office.log:
        again.events += again.shard.apply(kind, data, now_ns).events
    assert again.events == office.events
