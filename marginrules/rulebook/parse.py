# SPDX-License-Identifier: Apache-2.0
"""
Text to nodes with places. The only file that knows PyYAML.

YAML is read as events, with the limits checked at each one; no object is built by the library, so no tag, alias,
merge key or deep nesting can do harm. Scalars stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from marginrules.limits import RULEBOOK_DEPTH_MAX, RULEBOOK_NODES_MAX
from marginrules.rulebook.diagnostic import Place, Sink

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
# libyaml scans ten times faster; its recursive composer, which deep nesting crashes, is never reached.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """Carry text as written; `quoted` tells `"5"` from `5`."""

    text: str
    place: Place
    quoted: bool = False


@dataclass(slots=True)
class Mapping:
    """Carry keys with their values, in the order of the text."""

    entries: dict[str, Node]
    keys: dict[str, Place]
    place: Place


@dataclass(slots=True)
class Sequence:
    """Carry items in the order of the text."""

    items: list[Node]
    place: Place


Node = Scalar | Mapping | Sequence


class _StopParsing(Exception):  # noqa: N818 - ends the reading, is not an error of ours
    pass


def parse(text: str, sink: Sink) -> Mapping | None:
    """
    Read one YAML document whose root is a mapping.

    Returns:
        The root, or None where nothing can be read; problems are in the sink.
    """
    reader = _EventReader(sink)
    try:
        root = reader.read(yaml.parse(text, Loader=_LOADER))
    except _StopParsing:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        sink.add("MR-R201", place, f"not YAML: {error.problem or error.context}")
        return None
    except yaml.YAMLError as error:
        sink.add("MR-R201", Place(1, 1), f"not YAML: {error}")
        return None
    if root is None:
        sink.add("MR-R207", Place(1, 1), "the rulebook is empty", "start with `rulebook: <name>`")
        return None
    if not isinstance(root, Mapping):
        sink.add("MR-R303", root.place, "a rulebook is a mapping of keys", "start with `rulebook: <name>`")
        return None
    return root


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
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._sink.add("MR-R206", _place(event), "a rulebook is one document", "delete the second `---`")
                    raise _StopParsing
            elif isinstance(event, yaml.AliasEvent):
                self._sink.add(
                    "MR-R202", _place(event), f"alias '*{event.anchor}' is not allowed", "write the value out"
                )
                self._place_node(Scalar("", _place(event), quoted=True))
            elif isinstance(event, yaml.NodeEvent):
                self._begin(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                if isinstance(self._stack.pop(), Mapping):
                    self._pending.pop()
        return self._root

    def _begin(self, event: yaml.NodeEvent) -> None:
        place = _place(event)
        self._nodes += 1
        if self._nodes > RULEBOOK_NODES_MAX:
            self._sink.add("MR-R103", place, f"more than {RULEBOOK_NODES_MAX:,} nodes")
            raise _StopParsing
        if event.anchor is not None:
            self._sink.add(
                "MR-R202", place, f"anchor '&{event.anchor}' is not allowed", "write the value out where it is used"
            )
        if getattr(event, "tag", None) is not None:
            self._sink.add(
                "MR-R203",
                place,
                f"tag '{event.tag}' is not allowed",
                "delete it; the vocabulary gives each value its type",
            )
        if isinstance(event, yaml.ScalarEvent):
            self._place_node(Scalar(event.value, place, event.style is not None))
            return
        if len(self._stack) >= RULEBOOK_DEPTH_MAX:
            self._sink.add("MR-R102", place, f"nested deeper than {RULEBOOK_DEPTH_MAX} levels")
            raise _StopParsing
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
        elif self._pending[-1] is None:
            self._pending[-1] = self._key(node)
        else:
            self._put(parent, self._pending[-1], node)
            self._pending[-1] = None

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar) and node.text == "<<":
            self._sink.add("MR-R205", node.place, "merge key '<<' is not allowed", "write the keys out")
        elif not isinstance(node, Scalar) or not _KEY.fullmatch(node.text):
            self._sink.add("MR-R208", node.place, "a key is a short piece of plain ASCII text")
        else:
            return node
        return Scalar("", node.place, quoted=True)

    def _put(self, parent: Mapping, key: Scalar, node: Node) -> None:
        if not key.text:
            return
        if key.text in parent.entries:
            first = parent.keys[key.text].line
            self._sink.add(
                "MR-R204",
                key.place,
                f"key '{key.text}' was given twice; the first is on line {first}",
                "delete one of them",
            )
            return
        parent.entries[key.text] = node
        parent.keys[key.text] = key.place


def _place(event: yaml.Event) -> Place:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))
