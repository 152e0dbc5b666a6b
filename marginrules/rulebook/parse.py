# SPDX-License-Identifier: Apache-2.0
"""
Text to nodes with places. The only file that knows PyYAML.

YAML is read as events, with the limits checked at each one; no object is built by the library, so no tag, alias,
merge key or deep nesting can do harm. Scalars stay text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from marginrules.limits import RULEBOOK_DEPTH_MAX, RULEBOOK_NODES_MAX
from marginrules.rulebook.diagnostic import Place, Sink, StopReading
from marginrules.rulebook.source import hidden

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?")
_DIRECTIVE = re.compile(r"^%.*", re.MULTILINE)
_YAML_TAGS = "tag:yaml.org,2002:"
_TOO_DEEP = f"nested deeper than {RULEBOOK_DEPTH_MAX} levels"
# libyaml scans ten times faster; its recursive composer, which deep nesting crashes, is never reached.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What libyaml says, and what an officer can do about it.
_HINTS = {
    "mapping values are not allowed": "quote a text that has ': ' in it, and align the keys of one mapping",
    "could not find expected ':'": "a key is followed by ': '",
    "did not find expected key": "align the keys of one mapping",
    "did not find expected '-' indicator": "align the items of one list",
    "did not find expected ',' or ']'": "close the list with ']'",
    "did not find expected ',' or '}'": "close the mapping with '}'",
    "found character that cannot start any token": "no value begins with this character unless it is quoted",
    "found unexpected end of stream": "close the quotes",
}


@dataclass(slots=True)
class Scalar:
    """Carry text as written; `quoted` tells `"5"` from `5`."""

    text: str
    place: Place
    quoted: bool = False


@dataclass(slots=True)
class Mapping:
    """Carry keys with their values, in the order of the text; `partial` where a key could not be read."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place
    partial: bool = False


@dataclass(slots=True)
class Sequence:
    """Carry items in the order of the text."""

    items: list[Node]
    place: Place


Node = Scalar | Mapping | Sequence


def parse(text: str, sink: Sink) -> Mapping | None:
    """
    Read one YAML document whose root is a mapping.

    Returns:
        The root, or None where nothing can be read; problems are in the sink.
    """
    directive = _DIRECTIVE.search(text)
    if directive:
        # Thousands of them cost the scanner seconds.
        place = Place(text.count("\n", 0, directive.start()) + 1, 1, len(directive[0]))
        sink.add("MR-R203", place, "a line that begins with '%' is not allowed", "delete it")
        return None
    reader = _EventReader(sink)
    try:
        root = reader.read(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        _report(sink, error)
        return None
    except yaml.YAMLError as error:
        sink.add("MR-R201", Place(1, 1), f"not YAML: {error}")
        return None
    if root is None or (isinstance(root, Scalar) and not root.text and not root.quoted):
        sink.add("MR-R207", Place(1, 1), "the rulebook is empty", "start with `rulebook: <name>`")
        return None
    if not isinstance(root, Mapping):
        sink.add("MR-R303", root.place, "a rulebook is a mapping of keys", "start with `rulebook: <name>`")
        return None
    return root


def _report(sink: Sink, error: yaml.MarkedYAMLError) -> None:
    mark, begin = error.problem_mark or error.context_mark, error.context_mark
    problem = error.problem or error.context or "it cannot be read"
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    if problem == "exceeded maximum nesting depth":
        # Newer scanners have a limit of their own, and run ahead of the events: of `[[[[` they give not one.
        sink.add("MR-R102", place, _TOO_DEEP)
        return
    message = f"not YAML: {problem}"
    if mark and begin and begin.line != mark.line and error.context:
        message += f", {error.context} that begins on line {begin.line + 1}"
        if any(word in error.context for word in ("flow", "quoted", "simple key")):
            # The scanner gives up behind the bracket or quote that was never closed, the key without its colon.
            place = Place(begin.line + 1, begin.column + 1)
            message = f"not YAML: {problem} up to line {mark.line + 1}"
    hint = next((hint for words, hint in _HINTS.items() if words in problem), "")
    sink.add("MR-R201", place, message, hint)


class _EventReader:
    """Build nodes from events with an explicit stack."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._stack: list[Mapping | Sequence] = []
        self._pending: list[Scalar | None] = []  # per open mapping: the key that waits for its value
        self._root: Node | None = None
        self._nodes = 0

    def read(self, events: Iterator[yaml.Event]) -> Node | None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.ScalarEvent):
                self._place_node(self._scalar(event, self._begin(event)))
            elif isinstance(event, yaml.CollectionStartEvent):
                self._open(event, self._begin(event))
            elif isinstance(event, yaml.AliasEvent):
                place = self._begin(event)
                self._sink.refuse("MR-R202", place, f"alias '*{event.anchor}' is not allowed", "write the value out")
                self._place_node(Scalar("", place, quoted=True))
            elif isinstance(event, yaml.MappingEndEvent):
                self._stack.pop()
                self._pending.pop()
            elif isinstance(event, yaml.SequenceEndEvent):
                self._stack.pop()
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._sink.add("MR-R206", _place(event), "a rulebook is one document", "delete the second `---`")
                    raise StopReading
        return self._root

    def _begin(self, event: yaml.NodeEvent) -> Place:
        """Count a node and return where it stands."""
        place = _place(event)
        self._nodes += 1
        if self._nodes > RULEBOOK_NODES_MAX:
            self._sink.add("MR-R103", place, f"more than {RULEBOOK_NODES_MAX:,} keys, values and lists")
            raise StopReading
        return place

    def _refuse_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place) -> None:
        if event.anchor is not None:
            where = Place(place.line, place.column, len(event.anchor) + 1)
            message, hint = f"anchor '&{event.anchor}' is not allowed", "write the value out where it is used"
            self._sink.add("MR-R202", where, message, hint)
        if event.tag is not None:
            tag = "!!" + event.tag.removeprefix(_YAML_TAGS) if event.tag.startswith(_YAML_TAGS) else event.tag
            where = Place(place.line, place.column, len(tag))
            self._sink.add("MR-R203", where, f"tag '{tag}' is not allowed", "delete it; a key gives its value the type")
            self._sink.unread.add(place)

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event, place)
        if event.style == '"':
            # An escape such as "\u202e" can be seen in the text, but not where the value is printed.
            for _, name, _hint in hidden(event.value):
                self._sink.refuse("MR-R105", place, f"{name} is not allowed in a rulebook", "delete its escape")
        return Scalar(event.value, place, bool(event.style))

    def _open(self, event: yaml.CollectionStartEvent, place: Place) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event, place)
        if len(self._stack) >= RULEBOOK_DEPTH_MAX:
            self._sink.add("MR-R102", place, _TOO_DEEP)
            raise StopReading
        if isinstance(event, yaml.MappingStartEvent):
            mapping = Mapping({}, {}, place)
            self._place_node(mapping)
            self._stack.append(mapping)
            self._pending.append(None)
        else:
            sequence = Sequence([], place)
            self._place_node(sequence)
            self._stack.append(sequence)

    def _place_node(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = self._pending[-1]
        if key is None:
            self._pending[-1] = self._key(parent, node)
        else:
            self._put(parent, key, node)
            self._pending[-1] = None

    def _key(self, parent: Mapping, node: Node) -> Scalar:
        if isinstance(node, Scalar) and _KEY.fullmatch(node.text) and node.text != "<<":
            return node
        parent.partial = True
        if not isinstance(node, Scalar):
            self._sink.add("MR-R208", node.place, "a key is one text, not a list or a mapping", "write one key a line")
        elif node.text == "<<":
            self._sink.add("MR-R205", node.place, "merge key '<<' is not allowed", "write the keys out")
        else:
            strange = next((char for char in node.text if not "\x20" <= char <= "\x7e"), "")
            hint = f"'{strange}' is {unicodedata.name(strange, 'not a letter')}" if strange else "shorten it"
            self._sink.add("MR-R208", node.place, "a key is plain ASCII text of at most 64 characters", hint)
        return Scalar("", node.place, quoted=True)

    def _put(self, parent: Mapping, key: Scalar, node: Node) -> None:
        if not key.text:
            return
        if key.text in parent.entries:
            first = parent.keys[key.text].line
            message = f"key '{key.text}' was given twice; the first is on line {first}"
            self._sink.add("MR-R204", key.place, message, "delete one of them")
            return
        parent.entries[key.text] = node
        parent.keys[key.text] = key.place


def _place(event: yaml.Event) -> Place:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        raise AssertionError("libyaml gave an event without its marks")
    width = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))
