# SPDX-License-Identifier: Apache-2.0
"""The language of policies as data: every mapping, its keys, and what they take. `POLICY` is all of it."""

from __future__ import annotations

from marginrules.rulebook.vocabulary.kinds import Keys, Range, Value, may, named, needs, single, some, word
from marginrules.units import DAY_NS, SECOND_NS

GLASS_RANGE = Range(60 * SECOND_NS, DAY_NS)
_GROUPS = needs("groups", some(single("name")), "Groups the person is in; approvals are asked of groups.")
_KEY = single("text")

PERSON = Keys(
    "person",
    (_GROUPS, may("key", _KEY, "Ed25519 public key in base64, as `marginrules key new` prints it.")),
)
SIGNER = Keys(
    "signing person",
    (_GROUPS, needs("key", _KEY, "Ed25519 public key in base64, as `marginrules key new` prints it.")),
)
DEMAND = Keys(
    "approval",
    (
        needs("group", single("name"), "Group whose people may give it."),
        may("count", single("whole", Range(1, 100)), "How many different people of it must; 1 where it is left out."),
    ),
)
APPROVALS = Keys(
    "approvals",
    (
        may("any", Value(mapping=DEMAND), "What every change needs."),
        may(
            "looser", Value(mapping=DEMAND), "What a change needs beside that where it is looser than the active book."
        ),
    ),
)
GLASS = Keys(
    "break_glass",
    (
        needs("group", single("name"), "Group whose people may activate a book at once, without approval."),
        may("expires", single("duration", GLASS_RANGE), "How long it stays unless it is approved; 2h if left out."),
    ),
)
POLICY = Keys(
    "policy",
    (
        may("policy", single("name"), "Name of the installation; a signature made for one counts nowhere else."),
        needs("signing", word("required", "off"), "Whether every act must be signed; where it is off, none may be."),
        needs("people", named(Value(mapping=PERSON)), "Everybody who may propose, approve, activate or take back."),
        may("approvals", Value(mapping=APPROVALS), "Who has to agree to a change; without it nobody has to."),
        may("break_glass", Value(mapping=GLASS), "Who may activate without approval; without it nobody may."),
    ),
)
