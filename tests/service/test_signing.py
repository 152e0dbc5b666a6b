# SPDX-License-Identifier: Apache-2.0
"""Signatures: of one act, on one text, by one person, in one place, once."""

from __future__ import annotations

import base64
import sys
from typing import Any

import pytest

from marginrules.errors import InputError
from marginrules.service import acts, signing
from marginrules.service.acts import Act
from tests.service.changing import Office, book, key_of, policy
from tests.service.test_lifecycle import refused


@pytest.fixture
def office() -> Office:
    """Four people who have to sign."""
    made = Office(signs=True)
    made.start(policy("required"))
    return made


def test_signed_from_end_to_end(office: Office) -> None:
    """Everything that is signed rightly goes its way, and the signatures are verified again by a replay."""
    change = office.propose("ann", book(9))
    office.on("approve", "bob", change)
    office.on("approve", "cem", change)
    office.on("apply", "ann", change)
    office.act_back("dia")
    office.break_glass("ann", book(8))
    assert office.active == book(8)
    again = Office()
    for kind, data, now_ns in office.log:
        again.shard.apply(kind, data, now_ns)
    assert again.active == book(8)
    kind, data, now_ns = next(one for one in office.log if one[0] == "approve")
    forged = {**data, "signed": {**data["signed"], "signature": base64.b64encode(bytes(64)).decode()}}
    again = Office()
    with refused("MR-I156"):
        for kind, body, now_ns in office.log:
            again.shard.apply(kind, forged if body is data else body, now_ns)


def test_unsigned_is_refused(office: Office) -> None:
    """Where signatures are required nothing goes without one."""
    change = office.propose("ann", book(9))
    who = {"who": "bob", "why": "x"}
    digest = office.change(change).text_digest
    unsigned: dict[str, dict[str, Any]] = {
        "propose": {"file": "r", "text": book(8)},
        "amend": {"file": "r", "text": book(8), "change": change},
        "approve": {"change": change, "text_digest": digest},
        "withdraw": {"change": change},
        "apply": {"change": change},
        "rollback": {"revision": 1},
        "break_glass": {"file": "r", "text": book(8)},
        "migrate": {"accounts": []},
    }
    for kind, data in unsigned.items():
        with refused("MR-I156"):
            office.do(kind, **data, **who)
    with refused("MR-I157"):
        office.do("activate", file="r", text=book(8), **who)


def test_not_wanted_is_refused() -> None:
    """Where signing is off, a signature is refused: nothing in between."""
    for text in ("", policy("off")):
        office = Office(signs=True)
        office.start(text)
        with refused("MR-I156"):
            office.propose("ann", book(9))


def test_same_key_under_another_name_never_approves(office: Office) -> None:
    """The key is the person: in another's name it is refused, and after a new policy it is the author still."""
    change = office.propose("ann", book(9))
    with refused("MR-I155"):
        office.on("approve", "bob", change, key="ann")
    with refused("MR-I153"):
        office.on("approve", "ann", change)
    swapped = policy("required", ann=key_of("new")[1], bob=key_of("ann")[1])
    office.do("policy", file="p", text=swapped)
    with refused("MR-I153"):  # ann's key, called bob from now on
        office.on("approve", "bob", change, key="ann")
    with refused("MR-I153"):  # ann, with a new key
        office.on("approve", "ann", change, key="new")


def test_unknown_key_is_refused(office: Office) -> None:
    """A key that the policy does not name proves nothing."""
    change = office.propose("ann", book(9))
    with refused("MR-I155"):
        office.on("approve", "bob", change, key="eve")


def test_key_that_was_taken_away_counts_no_more(office: Office) -> None:
    """An approval is as good as its key is at the time of activation."""
    change = office.propose("ann", book(9))
    office.on("approve", "bob", change)
    office.on("approve", "cem", change)
    office.do("policy", file="p", text=policy("required", cem=key_of("new")[1]))
    assert office.needs(change) == ["1 of committee"]


def test_unsigned_past_counts_no_more() -> None:
    """What was written or approved while nothing was signed proves nothing once signatures are required."""
    keys = {name: key_of(name)[1] for name in ("ann", "bob", "cem", "dia")}
    office = Office()
    office.start(policy("off", **keys))
    change = office.propose("ann", book(9))
    office.on("approve", "bob", change)
    office.on("approve", "cem", change)
    assert office.needs(change) == []
    office.do("policy", file="p", text=policy("required"))
    assert office.needs(change) == ["1 of committee", "1 of risk"]


def approval(office: Office, change: str) -> tuple[Act, dict[str, Any]]:
    """Return what bob approves, and the data that says so."""
    one = office.change(change)
    act = acts.act_on("approve", change, one.text_digest, one.base)
    return act, {"change": change, "text_digest": one.text_digest, "who": "bob", "why": "x"}


def test_replayed_for_another_change(office: Office) -> None:
    """A signature counts for its own change, text, base and installation, and once."""
    first, second = office.propose("ann", book(9)), office.propose("cem", book(8))
    act, data = approval(office, first)
    pem = key_of("bob")[0]
    signed = signing.sign(pem, act, "bob", "x", "test").as_data()
    with refused("MR-I156"):
        office.do("approve", **approval(office, second)[1], signed=signed)
    with refused("MR-I156"):
        office.do("withdraw", change=first, who="bob", why="x", signed=signed)
    with refused("MR-I156"):
        office.do("approve", **{**data, "why": "y"}, signed=signed)
    elsewhere = signing.sign(pem, act, "bob", "x", "staging").as_data()
    with refused("MR-I156"):
        office.do("approve", **data, signed=elsewhere)
    office.do("approve", **data, signed=signed)
    with refused("MR-I156"):
        office.do("approve", **data, signed=signed)


def test_replayed_for_another_text(office: Office) -> None:
    """A signature made before an edit is of the text before it."""
    change = office.propose("ann", book(9))
    act, data = approval(office, change)
    signed = signing.sign(key_of("bob")[0], act, "bob", "x", "test").as_data()
    office.amend("ann", change, book(8))
    with refused("MR-I151"):
        office.do("approve", **data, signed=signed)
    with refused("MR-I156"):
        office.do("approve", **{**data, "text_digest": office.change(change).text_digest}, signed=signed)


@pytest.mark.parametrize("field", ["key", "nonce", "signature"])
def test_any_changed_bit_is_noticed(field: str, office: Office) -> None:
    """A signature, its key and its number belong together."""
    change = office.propose("ann", book(9))
    act, data = approval(office, change)
    signed = signing.sign(key_of("bob")[0], act, "bob", "x", "test").as_data()
    content = signed[field]
    signed[field] = ("A" if content[0] != "A" else "B") + content[1:]
    with pytest.raises(InputError):
        office.do("approve", **data, signed=signed)
    signed[field] = "no base64 at all"
    with pytest.raises(InputError):
        office.do("approve", **data, signed=signed)
    assert office.change(change).approvals == ()


def test_library_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where signatures are required and cannot be verified, the error says what to install."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.ed25519", None)
    office = Office()
    with pytest.raises(InputError, match=r"MR-I158.*pip install 'marginrules\[signing\]'"):
        office.start(policy("required", **dict.fromkeys(("ann",), key_of("ann")[1])))
    office = Office()
    office.start(policy("off"))


def test_keys_are_read_back() -> None:
    """A private key gives its public one; anything else is no key."""
    pem, public = signing.new_key()
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert signing.public_key(pem) == public
    with refused("MR-I156"):
        signing.public_key(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
