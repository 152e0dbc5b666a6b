# SPDX-License-Identifier: Apache-2.0
"""A policy is read as strictly as a rulebook: what it does not say for certain it is refused for, at its place."""

from __future__ import annotations

import base64

import pytest

from marginrules.errors import RulebookError
from marginrules.service.policy import Policy, comparable, load_policy
from marginrules.service.policy_keys import APPROVALS, DEMAND, GLASS, PERSON, POLICY, SIGNER
from marginrules.units import SECOND_NS
from tests.service.changing import key_of, policy


def problems(text: str) -> list[tuple[str, int, str]]:
    """Return (code, line, message and hint) of each problem."""
    with pytest.raises(RulebookError) as caught:
        load_policy(text.encode(), "policy.yaml")
    return [(one.code, one.place.line, f"{one.message}; {one.hint}") for one in caught.value.diagnostics]


def test_a_whole_policy() -> None:
    """Everything that a policy says is read."""
    made = load_policy(policy("required").encode(), "policy.yaml")
    assert (made.name, made.is_signed, made.glass_group, made.glass_ns) == ("test", True, "risk", 7_200 * SECOND_NS)
    assert made.always is not None
    assert made.looser is not None
    assert (made.always.words, made.looser.words) == ("1 of risk", "1 of committee")
    assert made.people["dia"].groups == {"risk", "committee"}
    assert made.owner(key_of("bob")[1]) == made.person("BOB")


def test_little_is_demanded_by_little() -> None:
    """People alone: nobody has to approve, and nobody may break glass."""
    made = load_policy(b"signing: off\npeople: {ann: {groups: risk}}\n", "p")
    assert isinstance(made, Policy)
    assert (made.is_open, made.demands_approval, made.glass_group) == (True, False, "")


KEY = key_of("ann")[1]
OTHER_SPELLING = KEY[:-2] + chr(ord(KEY[-2]) + 1) + "="  # base64 of 32 bytes leaves two bits of the last digit unused
BAD = {
    "misspelt key": (policy().replace("approvals", "approval"), "MR-R301", 8, "did you mean 'approvals'?"),
    "misspelt mode": (policy().replace("off", "of"), "MR-R310", 2, "did you mean 'off'?"),
    "no boolean": (policy().replace("off", "no"), "MR-R310", 2, "none of the words"),
    "misspelt group": (policy().replace("group: risk}\n  l", "group: rsk}\n  l"), "MR-R309", 9, "did you mean 'risk'?"),
    "too many": (policy().replace("count: 1", "count: 3"), "MR-R308", 10, "group 'committee' has 2 people"),
    "no count": (policy().replace("count: 1", "count: 0"), "MR-R308", 10, "allowed: from 1"),
    "too long": (policy().replace("2h", "48h"), "MR-R308", 11, "allowed: from 1m to 1d"),
    "name twice": (policy().replace("  bob", "  Ann"), "MR-R204", 5, "the same name as 'ann' on line 4"),
    "no key": (policy("required").replace(f', key: "{KEY}"', ""), "MR-R302", 4, "lacks the key 'key'"),
    "key twice": (policy("required", bob=KEY), "MR-R204", 5, "was given on line 4 already"),
    "key twice, not signed": (policy(ann=KEY, bob=KEY), "MR-R204", 5, "was given on line 4 already"),
    "key twice, spelt otherwise": (policy("required", bob=OTHER_SPELLING), "MR-R204", 5, "was given on line 4 already"),
    "no key at all": (policy("required", bob="secret"), "MR-R323", 5, "is not an Ed25519 public key"),
    "key too short": (policy("required", bob=KEY[:40]), "MR-R323", 5, "is not an Ed25519 public key"),
    "key not reduced": (policy("required", bob=base64.b64encode(b"\xff" * 32).decode()), "MR-R323", 5, "is not"),
    "empty": ("", "MR-R207", 1, "the policy is empty"),
    "nobody": ("signing: off\npeople: {}\n", "MR-R327", 2, "people names nothing"),
    "alias": ("signing: off\npeople: &a {ann: {groups: risk}}\n", "MR-R202", 2, ""),
    "hidden": ("signing: off\u200b\npeople: {ann: {groups: risk}}\n", "MR-R105", 1, ""),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_at_its_place(name: str) -> None:
    """Each mistake is found where it is, and nothing else with it."""
    text, code, line, words = BAD[name]
    ((found, at, said),) = problems(text)
    assert (found, at) == (code, line)
    assert words in said


@pytest.mark.parametrize(
    "key", sorted({one for keys in (POLICY, PERSON, SIGNER, DEMAND, APPROVALS, GLASS) for one in keys.names})
)
def test_every_key_misspelt(key: str) -> None:
    """A letter too many in any key of the language is found, with the right suggestion."""
    for text in (policy(ann=KEY), policy("required")):
        lines = text.split("\n")
        at = next((place for place, line in enumerate(lines) if f"{key}: " in line or line.strip() == f"{key}:"), None)
        if at is not None:
            lines[at] = lines[at].replace(f"{key}:", f"{key}x:", 1)
            assert ("MR-R301", at + 1) in [one[:2] for one in problems("\n".join(lines))]
            assert any(f"did you mean '{key}'?" in said for *_, said in problems("\n".join(lines)))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ann", "ann"), (" ann ", "ANN"), ("\uff21nn", "ann"), ("stra\u00dfe", "STRASSE"), ("a  b", "A B")],
)
def test_names_are_compared_as_people_read_them(one: str, other: str) -> None:
    """Case, spaces around and another form of the same character make no other person."""
    assert comparable(one) == comparable(other)
