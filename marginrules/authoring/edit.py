# SPDX-License-Identifier: Apache-2.0
"""
Rulebook texts as they are written: every value with its exact position, and every comment with what it belongs to.

The only file that knows ruamel.yaml, and that as a source of events with positions and styles; what a text means is
read by `rulebook.parse`. A value is changed at its position, so that nothing else moves: a change of one value changes
one line, whatever the layout.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import Event, MappingStartEvent, NodeEvent, ScalarEvent, SequenceStartEvent

from marginrules.errors import InputError, RulebookError
from marginrules.rulebook.diagnostic import Sink, StopReading, suggest
from marginrules.rulebook.parse import Mapping, Scalar, parse
from marginrules.rulebook.source import read_source

Path = tuple[str | int, ...]
_NAMING = ("step", "strategy", "name")  # the key by whose value an item of a list is addressed
_COMMENT = re.compile(r"#[^\n]*")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ ]*(#[^\n]*)?")
_CACHED = 8


@dataclass(slots=True, eq=False)
class Value:
    """
    Carry a single value: what it says and where it stands in the text, quotes included.

    Args:
        style: how it is quoted: "", '"', "'", "|" or ">".
        lines: how it is written; those of a block scalar have their indentation.
    """

    text: str
    start: int
    end: int
    style: str = ""
    lines: tuple[str, ...] = ("",)


@dataclass(slots=True, eq=False)
class Entry:
    """
    Carry a key with its value, or an item of a list.

    Args:
        before: lines above it that belong to it: comments, and "" for blank lines.
        behind: comments at the end of its line.
    """

    key: Value | None
    value: Node
    before: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Collection:
    """Carry a mapping or a list; `foot` has the comments behind its last entry."""

    is_mapping: bool
    is_flow: bool
    column: int
    start: int
    end: int = 0
    entries: list[Entry] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)


Node = Value | Collection


def set_value(content: bytes, path: Path, text: str) -> bytes:
    """
    Return a rulebook's text with another single value at a path; nothing else of it changes.

    A path goes from the root by keys. An item of a list is given by its number from 0, or by its name where it has one:
    steps, strategies and rows of scenarios. So `("ladders", "perpetuals", "steps", "warning", "below")`,
    `("products", "btc", "margin", "tiers", 0, "maintenance")` and `("classes", 1)`.

    Args:
        text: the value as it is meant, such as `125%`; it is quoted where YAML asks for that.

    Raises:
        RulebookError: the text is not YAML.
        InputError: it has no single value at this path.
    """
    source = _source(content)
    value = find(source, path)
    if value.text == text:
        return content
    written = spell(text, is_flow=_is_in_flow(source, path))
    # A key without a value is followed by its colon alone.
    gap = " " if value.start == value.end and source[value.start - 1 : value.start] == ":" else ""
    tail = "\n" if value.style in ("|", ">") and value.end > value.start and source[value.end - 1] == "\n" else ""
    made = (source[: value.start] + gap + written + tail + source[value.end :]).encode()
    return made.replace(b"\n", b"\r\n") if b"\r\n" in content else made


def values(content: bytes) -> Iterator[tuple[Path, str]]:
    """
    Yield the path and the text of every single value, in the order of the text; `set_value` takes these paths.

    Raises:
        RulebookError: the text is not YAML.
    """
    root, _ = _read(_source(content))
    yield from _values(root, ())


def find(source: str, path: Path) -> Value:
    """Return the single value at a path."""
    node: Node = _read(source)[0]
    for at, part in enumerate(path):
        node = _step(node, path[:at], part)
    if isinstance(node, Collection):
        kind = "a mapping" if node.is_mapping else "a list"
        raise InputError("MR-I161", f"{_shown(path)} is {kind}, not a single value", "name one of its values")
    return node


@functools.lru_cache(maxsize=_CACHED)
def _source(content: bytes) -> str:
    return readable(content, "rulebook.yaml")[0]


def readable(content: bytes, file: str) -> tuple[str, Mapping]:
    """
    Return the text of a rulebook and its nodes.

    Raises:
        RulebookError: it is not YAML as rulebooks are written.
    """
    text, sink = read_source(content, file)
    root = None
    try:
        if not sink.found:
            root = parse(text, sink)
    except StopReading:
        pass
    if root is None or sink.found:
        raise RulebookError(sink.ordered())
    return text, root


def read_tree(source: str) -> tuple[Collection, list[str]]:
    """
    Return the root of a text that can be read, with every comment in its place, and all comments in their order.

    Raises:
        InputError: the text uses a corner of YAML that cannot be written again as it was.
    """
    root, gaps = _read.__wrapped__(source)  # not the one that is shared: comments are put into it
    found = _comments(source, gaps)
    _attach(source, root, gaps, found)
    return root, [one.text for one in found]


@functools.lru_cache(maxsize=4096)
def spell(text: str, *, is_flow: bool, is_key: bool = False) -> str:
    """Return a single value as it is written: plain where that reads as the same value, else in quotes."""
    if not text:
        return '""'
    probe = f"k: {text}"
    if is_key:
        probe = f"{{{text}: v}}" if is_flow else f"{text}: v"
    elif is_flow:
        probe = f"{{k: {text}, l: v}}"
    return text if "\n" not in text and _reads_as(probe, text, is_key=is_key) else _quoted(text)


def _reads_as(probe: str, text: str, *, is_key: bool) -> bool:
    sink = Sink("", [])
    try:
        root = parse(probe, sink)
    except StopReading:
        return False
    if root is None or sink.found:
        return False
    if is_key:
        return list(root.entries) == [text]
    found = root.entries.get("k")
    return isinstance(found, Scalar) and found.text == text and not found.quoted and len(root.entries) <= 2


def _quoted(text: str) -> str:
    if '"' in text and not set("'\n\\") & set(text):
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


# Reading


@dataclass(slots=True)
class _Token:
    """
    Carry a stretch of the text that is no gap.

    Args:
        owner: the entry whose key or value it is; None: the root.
        starts: the outermost entry that begins with it; None: none does.
        within: the collections around it, the outermost first.
        closes: the flow collection that it ends.
    """

    start: int
    end: int
    owner: Entry | None
    starts: Entry | None
    within: tuple[Collection, ...]
    closes: Collection | None = None


class _Builder:
    """Build the tree of a text from its events."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens: list[_Token] = []
        self.root: Collection | None = None
        self._stack: list[Collection] = []
        self._keys: list[Value | None] = []  # per open collection: the key that waits for its value
        self._owners: list[Entry | None] = []  # per open collection: the entry whose value it is
        self._starting: Entry | None = None  # an entry of a block list whose first token is still to come

    def add(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            self._open(event)
        elif type(event).__name__ in ("MappingEndEvent", "SequenceEndEvent"):
            self._close(event)

    def _scalar(self, event: ScalarEvent) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        if start == end and self.tokens:
            # The event of an empty value stands at the next token.
            start = end = self.source.index(":", self.tokens[-1].end) + 1 if self._is_value() else start
        written = self.source[start:end]
        if style in ("|", ">") and written.endswith("\n") and "+" not in written.partition("\n")[0].partition("#")[0]:
            end = start + len(written.rstrip()) + 1  # blank lines behind it are no part of what it says
        rows = self.source[start:end].removesuffix("\n").split("\n")
        lines = rows if style in ("|", ">") else [row.strip() for row in rows]
        value = Value(event.value, start, end, style, tuple(lines))
        inside = self._stack[-1] if self._stack else None
        if inside is not None and inside.is_mapping and self._keys[-1] is None:
            self._keys[-1] = value
            entry = Entry(value, value)
            inside.entries.append(entry)
            self._token(start, end, entry, entry)
        else:
            owner = self._place(value)
            self._token(start, end, owner, None if inside is None or inside.is_mapping else owner)

    def _is_value(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_mapping and self._keys[-1] is not None

    def _place(self, node: Node) -> Entry | None:
        """Put a node where it belongs and return the entry that holds it."""
        if not self._stack:
            if isinstance(node, Collection):
                self.root = node
            return None
        inside = self._stack[-1]
        if inside.is_mapping:
            entry = inside.entries[-1]
            entry.value = node
            self._keys[-1] = None
            return entry
        entry = Entry(None, node)
        inside.entries.append(entry)
        if self._starting is None and not inside.is_flow:
            self._starting = entry
        return entry

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        start = event.start_mark.index
        is_mapping = isinstance(event, MappingStartEvent)
        if self._stack and self._stack[-1].is_mapping and self._keys[-1] is None:
            raise InputError("MR-I160", "a key is a list or a mapping", "write one key a line")
        made = Collection(is_mapping, bool(event.flow_style), event.start_mark.column, start)
        owner = self._place(made)
        if made.is_flow:
            in_list = bool(self._stack) and not self._stack[-1].is_mapping
            self._token(start, event.end_mark.index, owner, owner if in_list else None)
        self._stack.append(made)
        self._keys.append(None)
        self._owners.append(owner)

    def _close(self, event: Event) -> None:
        closed, owner = self._stack.pop(), self._owners.pop()
        self._keys.pop()
        closed.end = event.end_mark.index if closed.is_flow else (self.tokens[-1].end if self.tokens else closed.start)
        if closed.is_flow:
            self._token(event.start_mark.index, closed.end, owner, None, closed)

    def _token(
        self, start: int, end: int, owner: Entry | None, starts: Entry | None, closes: Collection | None = None
    ) -> None:
        if self._starting is not None:
            starts, self._starting = self._starting, None
        self.tokens.append(_Token(start, end, owner, starts, tuple(self._stack), closes))


@functools.lru_cache(maxsize=_CACHED)
def _read(source: str) -> tuple[Collection, list[_Token]]:
    """Return the root, and every token in its order."""
    builder = _Builder(source)
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 1)  # as the reader of rulebooks has it
    try:
        for event in reader.parse(source):
            if isinstance(event, NodeEvent) and event.anchor is not None:
                raise InputError("MR-I160", "the text has an anchor or an alias", "write the value out")
            builder.add(event)
    except YAMLError as error:
        raise InputError("MR-I160", f"the text cannot be edited: {' '.join(str(error).split())}") from None
    if builder.root is None:
        raise InputError("MR-I160", "the text is no mapping of keys", "start with `rulebook: <name>`")
    return builder.root, builder.tokens


def _step(node: Node, before: Path, part: str | int) -> Node:
    if not isinstance(node, Collection):
        raise InputError("MR-I161", f"{_shown(before)} is a single value and has no {part!r}")
    if node.is_mapping:
        known = {entry.key.text: entry.value for entry in node.entries if entry.key is not None}
    else:
        known = {_name_of(entry.value): entry.value for entry in node.entries}
        if isinstance(part, int) and 0 <= part < len(node.entries):
            return node.entries[part].value
    if isinstance(part, str) and part and part in known:
        return known[part]
    hint = suggest(str(part), [name for name in known if name]) if known else "it is empty"
    raise InputError("MR-I161", f"{_shown(before)} has no {part!r}", hint)


def _name_of(node: Node) -> str:
    """Return the name of an item of a list, or nothing."""
    if isinstance(node, Collection) and node.is_mapping:
        for entry in node.entries:
            if entry.key is not None and entry.key.text in _NAMING and isinstance(entry.value, Value):
                return entry.value.text
    return ""


def _values(node: Node, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(node, Value):
        yield path, node.text
        return
    for index, entry in enumerate(node.entries):
        part: str | int = index if entry.key is None else entry.key.text
        yield from _values(entry.value, (*path, _name_of(entry.value) or part if entry.key is None else part))


def _is_in_flow(source: str, path: Path) -> bool:
    node: Node = _read(source)[0]
    for at, part in enumerate(path):
        if isinstance(node, Collection) and node.is_flow:
            return True
        node = _step(node, path[:at], part)
    return False


def _shown(path: Path) -> str:
    return ".".join(map(str, path)) or "the rulebook"


# Comments


@dataclass(slots=True)
class _Comment:
    """Carry a comment and the index of the token before it (-1: none)."""

    text: str
    start: int
    after: int


def _comments(source: str, tokens: list[_Token]) -> list[_Comment]:
    found = []
    end = 0
    for index, token in enumerate([*tokens, None]):
        limit = len(source) if token is None else token.start
        found += [_Comment(one[0].rstrip(), one.start(), index - 1) for one in _COMMENT.finditer(source, end, limit)]
        if token is None:
            break
        end = token.end
        header = _BLOCK_HEADER.match(source, token.start, token.end) if token.end > token.start else None
        if header and header[1] and isinstance(token.owner, Entry) and _is_block_scalar(token):
            found.append(_Comment(header[1].rstrip(), header.start(1), index))
    return found


def _is_block_scalar(token: _Token) -> bool:
    value = token.owner.value if token.owner is not None else None
    return isinstance(value, Value) and value.start == token.start and value.style in ("|", ">")


def _attach(source: str, root: Collection, tokens: list[_Token], comments: list[_Comment]) -> None:
    """Put every comment, and every blank line between entries, where it belongs."""
    by_gap: dict[int, list[_Comment]] = {}
    for one in comments:
        by_gap.setdefault(one.after, []).append(one)
    for index in range(-1, len(tokens)):
        last = tokens[index] if index >= 0 else None
        follower = tokens[index + 1] if index + 1 < len(tokens) else None
        _attach_gap(source, root, last, follower, by_gap.get(index, []))


def _attach_gap(
    source: str, root: Collection, last: _Token | None, follower: _Token | None, comments: list[_Comment]
) -> None:
    """Put what stands between two tokens where it belongs."""
    at = 0 if last is None else last.end
    # A block scalar ends with the line break behind it.
    is_line_done = last is None or (last.end > last.start and source[at - 1] == "\n")
    lines: list[_Comment | None] = []  # None: a blank line
    for one in comments:
        is_behind = not is_line_done and "\n" not in source[at : one.start]
        if last is not None and (is_behind or one.start < last.end):  # or in the header of a block scalar
            (root.foot if last.owner is None else last.owner.behind).append(one.text)
        else:
            lines += [None] * _blanks(source, at, one.start, is_line_done=is_line_done)
            lines.append(one)
            is_line_done = False
        at = max(at, one.start)
    end = len(source) if follower is None else follower.start
    lines += [None] * _blanks(source, at, end, is_line_done=is_line_done)
    is_following = False
    for index, line in enumerate(lines):
        comment = next((one for one in lines[index:] if one is not None), None)
        foot = None if comment is None or is_following else _foot_for(source, comment, last, follower, root)
        is_following = foot is None
        target = _before(follower, root) if foot is None else foot.foot
        target.append("" if line is None else line.text)


def _blanks(source: str, start: int, end: int, *, is_line_done: bool) -> int:
    lines = source[start:end].split("\n")[0 if is_line_done else 1 : -1]
    return sum(not line.strip() for line in lines)


def _foot_for(
    source: str, comment: _Comment, last: _Token | None, follower: _Token | None, root: Collection
) -> Collection | None:
    """Return the collection to whose end a comment on a line of its own belongs; None: to what follows."""
    if follower is not None and follower.closes is not None:
        return follower.closes
    line = source.rfind("\n", 0, comment.start) + 1
    column = comment.start - line
    ended = [] if last is None else [one for one in last.within if follower is None or one not in _around(follower)]
    if follower is not None:
        around = _around(follower)
        is_own_line = not source[line : comment.start].strip()
        if not is_own_line or not around or around[-1].is_flow or column <= around[-1].column:
            return None
    fitting = [one for one in ended if not one.is_flow and one.column <= column]
    return fitting[-1] if fitting else (root if follower is None else None)


def _around(token: _Token) -> tuple[Collection, ...]:
    """Return the collections around the outermost entry that a token begins."""
    if token.starts is None:
        return token.within
    at = next((index for index, one in enumerate(token.within) if token.starts in one.entries), -1)
    return token.within[: at + 1]


def _before(follower: _Token | None, root: Collection) -> list[str]:
    if follower is None:
        return root.foot
    entry = follower.starts or follower.owner
    return root.foot if entry is None else entry.before
