# SPDX-License-Identifier: Apache-2.0
"""People, policies and books for the tests of changes, and a shard that is told what to do at given seconds."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marginrules.codes import ChangeState, InstrumentKind
from marginrules.escalation.state import Event
from marginrules.service import acts, signing
from marginrules.service.acts import Act
from marginrules.service.changes import Change
from marginrules.service.lifecycle import previous
from marginrules.service.shard import Shard
from marginrules.units import SECOND_NS

SMALLEST = (Path(__file__).parent.parent.parent / "rules" / "smallest" / "rulebook.yaml").read_text()
START = 1_772_445_600 * SECOND_NS  # 2026-03-02T10:00:00Z
HOUR = 3_600
PEOPLE = ("ann", "bob", "cem", "dia")  # ann and bob: risk; cem: committee; dia: both


@functools.cache
def key_of(name: str) -> tuple[bytes, str]:
    """Return the key pair of a person."""
    return signing.new_key()


def book(rate: int = 10, call: int = 120) -> str:
    """Return the smallest book with another initial margin of the first tier, or another threshold of the call."""
    text = SMALLEST.replace("initial: 10%", f"initial: {rate}%").replace("below: 120%", f"below: {call}%")
    return text.replace("clear: 130%", f"clear: {call + 10}%")


def policy(signing_mode: str = "off", **keys: str) -> str:
    """Return a policy with four people; `keys` puts other keys in place of theirs."""
    groups = {"ann": "risk", "bob": "risk", "cem": "committee", "dia": "[risk, committee]"}
    lines = ["policy: test", f"signing: {signing_mode}", "people:"]
    for name, group in groups.items():
        key = keys.get(name) or (key_of(name)[1] if signing_mode == "required" else "")
        lines.append(f"  {name}: {{groups: {group}" + (f', key: "{key}"' if key else "") + "}")
    lines += ["approvals:", "  any: {group: risk}", "  looser: {group: committee, count: 1}"]
    lines += ["break_glass: {group: risk, expires: 2h}"]
    return "\n".join(lines) + "\n"


@dataclass
class Office:
    """A shard and the people who change its rulebook; with `signs`, each signs what they do."""

    signs: bool = False
    shard: Shard = field(default_factory=Shard)
    events: list[Event] = field(default_factory=list)
    log: list[tuple[str, dict[str, Any], int]] = field(default_factory=list)
    second: float = 0.0

    def do(self, kind: str, **data: Any) -> Any:
        """Carry out a command now; return its reply."""
        now_ns = START + int(self.second * SECOND_NS)
        outcome = self.shard.apply(kind, data, now_ns)
        self.log.append((kind, data, now_ns))
        self.events += outcome.events
        return outcome.reply

    def wait(self, seconds: float) -> None:
        """Let time pass, stopping at each timer."""
        until = self.second + seconds
        while (due := self.shard.next_due_ns()) is not None and due <= START + int(until * SECOND_NS):
            self.second = (due - START) / SECOND_NS
            self.do("tick")
        self.second = until

    def start(self, policy_text: str = "") -> None:
        """Activate the smallest book, and set a policy."""
        self.do("activate", text=book(), file="r.yaml", who="serve", why="start")
        if policy_text:
            self.do("policy", file="policy.yaml", text=policy_text)

    def act(self, act: Act, who: str, why: str, *, key: str = "", **data: Any) -> Any:
        """Let a person act, with the key of another one where told so."""
        if self.signs:
            installation = self.shard.changes.policy
            name = installation.name if installation else ""
            data["signed"] = signing.sign(key_of(key or who)[0], act, who, why, name).as_data()
        return self.do(act.kind, who=who, why=why, **data)

    def propose(self, who: str, text: str, key: str = "") -> str:
        """Propose a text; return the change's id."""
        act = acts.propose("r.yaml", text, self.shard.active_digest)
        return str(self.act(act, who, "better", key=key, file="r.yaml", text=text)["change"])

    def amend(self, who: str, change_id: str, text: str, key: str = "") -> None:
        """Give a change another text."""
        act = acts.amend(change_id, "r.yaml", text, self.shard.active_digest)
        self.act(act, who, "edited", key=key, change=change_id, file="r.yaml", text=text)

    def on(self, kind: str, who: str, change_id: str, at: float = 0.0, key: str = "") -> Any:
        """Approve, withdraw, apply, schedule or unschedule a change; `at` in seconds."""
        change = self.shard.changes.get(change_id)
        at_ns = START + int(at * SECOND_NS) if at else 0
        act = acts.act_on(kind, change_id, change.text_digest, change.base, at_ns)
        more: dict[str, Any] = {"at_ns": at_ns} if kind == "schedule" else {}
        if kind in ("approve", "apply", "schedule"):
            more["text_digest"] = change.text_digest
        return self.act(act, who, "so be it", key=key, change=change_id, **more)

    def break_glass(self, who: str, text: str, expires_ns: int = 0, key: str = "") -> str:
        """Activate a text without approval; return the change's id."""
        act = acts.break_glass("r.yaml", text, self.shard.active_digest, expires_ns)
        more: dict[str, Any] = {"file": "r.yaml", "text": text, "expires_ns": expires_ns}
        return str(self.act(act, who, "exchange outage", key=key, **more)["change"])

    def roll_back(self, who: str, revision: int, key: str = "") -> None:
        """Go back to a revision."""
        act = acts.roll_back(revision, self.shard.revision(revision).program.digest, self.shard.active_digest)
        self.act(act, who, "worse", key=key, revision=revision)

    def act_back(self, who: str) -> None:
        """Go back one step."""
        act = acts.roll_back(0, previous(self.shard).program.digest, self.shard.active_digest)
        self.act(act, who, "worse", revision=0)

    def change(self, change_id: str) -> Change:
        """Return a change."""
        return self.shard.changes.get(change_id)

    def state(self, change_id: str) -> ChangeState:
        """Return where a change stands."""
        return self.shard.changes.state_of(self.change(change_id), self.shard.active_digest)

    def needs(self, change_id: str) -> list[str]:
        """Return what a change still needs, in words."""
        return [one.words for one in self.shard.changes.missing(self.change(change_id))]

    @property
    def active(self) -> str:
        """Return the text of the active book."""
        return self.shard.program.text.decode()

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of all events so far."""
        return [one.kind.value for one in self.events]


def load_pool(office: Office, cash: float = 1_000.0, price: float = 100.0) -> None:
    """Give account `a` a long position of 80 from 100."""
    office.do(
        "instruments",
        instruments=[{"symbol": "P", "kind": InstrumentKind.PERPETUAL, "underlying": "X", "settlement": "USD"}],
    )
    mark(office, price)
    position = {"symbol": "P", "quantity": 80.0, "entry_price": 100.0}
    pools = [{"name": "", "balances": [{"asset": "USD", "amount": cash}], "positions": [position]}]
    account = {"account_id": "a", "account_class": office.shard.program.classes[0], "sequence": 1, "pools": pools}
    office.do("accounts", accounts=[account])


def mark(office: Office, price: float) -> None:
    """Publish a price now."""
    now_ns = START + int(office.second * SECOND_NS)
    row = {"name": "P", "price": price, "time_ns": now_ns}
    office.do("prices", sequence=office.shard.market_sequence + 1, prices=[row])
