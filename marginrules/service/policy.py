# SPDX-License-Identifier: Apache-2.0
"""
Who may change the active rulebook, and who has to agree: the policy, read as strictly as a rulebook.

A person is one name and, where changes are signed, one key. Names are compared as people read them: without case,
spaces around them, or another spelling of the same characters.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from dataclasses import dataclass

from marginrules.errors import RulebookError
from marginrules.rulebook.diagnostic import Place, Sink, StopReading, suggest
from marginrules.rulebook.fields import Fields, read_list, read_name, read_named, read_text, shorten
from marginrules.rulebook.parse import Node, parse
from marginrules.rulebook.source import read_source
from marginrules.service import policy_keys
from marginrules.units import SECOND_NS

GLASS_NS = 7_200 * SECOND_NS  # how long a book stays that was activated without approval, unless it is approved
_KEY_BYTES = 32
_FIELD_PRIME = 2**255 - 19


@dataclass(frozen=True, slots=True)
class Person:
    """Carry one person; the key is a public one, in base64, and empty where there is none."""

    name: str
    key: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Demand:
    """Ask for approvals: so many different people of a group; group "" is anybody but an author."""

    group: str
    count: int

    @property
    def words(self) -> str:
        """Say it in words."""
        return f"{self.count} of {self.group}" if self.group else f"{self.count} of anybody but an author"


@dataclass(frozen=True, slots=True)
class Policy:
    """
    Carry one policy.

    Args:
        name: of the installation; a signature made for one counts nowhere else.
        is_signed: every act must be signed; otherwise none may be.
        people: by their names as they are compared.
        always: what every change needs.
        looser: what one needs beside that which is not stricter or equivalent throughout.
        glass_group: who may activate at once without approval; "" for nobody.
        glass_ns: how long such a book stays.
    """

    name: str
    is_signed: bool
    people: dict[str, Person]
    always: Demand | None
    looser: Demand | None
    glass_group: str
    glass_ns: int
    text: str

    @property
    def demands_approval(self) -> bool:
        """Say whether a change may need somebody's approval."""
        return self.always is not None or self.looser is not None

    @property
    def is_open(self) -> bool:
        """Say whether a book may be activated directly: nothing is signed, and nobody has to approve."""
        return not self.is_signed and not self.demands_approval

    def person(self, name: str) -> Person | None:
        """Return the person of a name."""
        return self.people.get(comparable(name))

    def owner(self, key: str) -> Person | None:
        """Return the person whose key it is."""
        return next((one for one in self.people.values() if key and one.key == key), None)


def comparable(name: str) -> str:
    """Return a name as it is compared with others."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(folded.split())


def canonical_key(text: str) -> str:
    """Return the one spelling of an Ed25519 public key in base64; empty where it is none."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    # A coordinate at or above the prime is a second spelling of another key.
    is_reduced = int.from_bytes(content, "little") & ((1 << 255) - 1) < _FIELD_PRIME
    return base64.b64encode(content).decode() if len(content) == _KEY_BYTES and is_reduced else ""


def load_policy(content: bytes, file: str) -> Policy:
    """
    Read a policy.

    Raises:
        RulebookError: with every diagnostic, where there is at least one problem.
    """
    text, sink = read_source(content, file)
    try:
        root = _root(sink, text)
        policy = _read(sink, root, text) if root is not None else None
        if policy is not None and not sink.found:
            return policy
    except StopReading:
        pass
    raise RulebookError(sink.ordered(), "policy")


def _root(sink: Sink, text: str) -> Node | None:
    if sink.found:
        return None
    if not text.strip():
        sink.add("MR-R207", Place(1, 1), "the policy is empty", "start with `signing: required` or `signing: off`")
        return None
    return parse(text, sink)


def _read(sink: Sink, root: Node, text: str) -> Policy:
    top = Fields(sink, root, "the policy", policy_keys.POLICY)
    name = top.read("policy", read_name, "")
    is_signed = top.word("signing", "off") == "required"
    if is_signed and not name and "policy" not in top:
        hint = "write `policy: <name of this installation>`: signatures are for one installation"
        sink.add("MR-R302", root.place, "a policy that asks for signatures has no name", hint)
    people = _people(sink, top, is_signed)
    members = {group for one in people.values() for group in one.groups}
    always, looser = _approvals(sink, top, people, members)
    glass_group, glass_ns = _glass(sink, top, members)
    return Policy(name, is_signed, people, always, looser, glass_group, glass_ns, text)


def _people(sink: Sink, top: Fields, is_signed: bool) -> dict[str, Person]:
    found: dict[str, Person] = {}
    lines: dict[str, int] = {}  # of names and keys
    keys = policy_keys.SIGNER if is_signed else policy_keys.PERSON
    for name, node, place in read_named(sink, top, "people", some=True):
        fields = Fields(sink, node, f"person '{shorten(name)}'", keys, at=place)
        groups = fields.read("groups", lambda on, one: read_list(on, one, read_name), ())
        key = fields.read("key", _read_key, "")
        same = comparable(name)
        if same in found:
            message = f"'{shorten(name)}' is the same name as '{found[same].name}' on line {lines[same]}"
            sink.add("MR-R204", place, message, "name each person once")
        if key and key in lines:
            message = f"the key of '{shorten(name)}' was given on line {lines[key]} already"
            sink.add("MR-R204", fields.place_of("key"), message, "a key is one person; give each person a key")
        lines.setdefault(same, place.line)
        if key:
            lines.setdefault(key, fields.place_of("key").line)
        found.setdefault(same, Person(name, key, frozenset(groups)))
    return found


def _read_key(sink: Sink, node: Node) -> str | None:
    text = read_text(sink, node)
    if text is None:
        return None
    key = canonical_key(text)
    if not key:
        message = f"'{shorten(text)}' is not an Ed25519 public key in base64"
        sink.add("MR-R323", node.place, message, "`marginrules key new FILE` prints one of 44 characters")
        return None
    return key


def _approvals(
    sink: Sink, top: Fields, people: dict[str, Person], members: set[str]
) -> tuple[Demand | None, Demand | None]:
    node = top.node("approvals")
    if node is None:
        return None, None
    fields = Fields(sink, node, "approvals", policy_keys.APPROVALS)
    return _demand(sink, fields, "any", people, members), _demand(sink, fields, "looser", people, members)


def _demand(sink: Sink, fields: Fields, key: str, people: dict[str, Person], members: set[str]) -> Demand | None:
    node = fields.node(key)
    if node is None:
        return None
    part = Fields(sink, node, f"approvals of '{key}'", policy_keys.DEMAND)
    group, count = part.read("group", read_name, ""), part.whole("count", 1)
    if group and group not in members and people:  # without people every group would be reported
        sink.add("MR-R309", part.place_of("group"), f"nobody is in group '{group}'", suggest(group, members))
    size = sum(group in one.groups for one in people.values())
    if group in members and count > size:
        message = f"count was {count}, and group '{group}' has {size} people"
        sink.add("MR-R308", part.place_of("count"), message, "ask for fewer, or name more people")
    return Demand(group, count)


def _glass(sink: Sink, top: Fields, members: set[str]) -> tuple[str, int]:
    node = top.node("break_glass")
    if node is None:
        return "", GLASS_NS
    fields = Fields(sink, node, "break_glass", policy_keys.GLASS)
    group = fields.read("group", read_name, "")
    if group and group not in members and members:
        sink.add("MR-R309", fields.place_of("group"), f"nobody is in group '{group}'", suggest(group, members))
    return group, fields.duration("expires", GLASS_NS)
