# SPDX-License-Identifier: Apache-2.0
"""Rulebooks across the border of a process: the text goes over, and each process compiles it for itself, once."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from marginrules.rulebook import Program, load


@dataclass(frozen=True, slots=True)
class Text:
    """Carry a rulebook as text, with the digest of what it means."""

    content: bytes
    name: str
    digest: str


def text_of(program: Program) -> Text:
    """Return what can be sent of a program."""
    return Text(program.text, program.name, program.digest)


@functools.lru_cache(maxsize=16)
def compiled(text: Text) -> Program:
    """Return the program of a text that was compiled before, somewhere."""
    program = load(text.content, text.name)
    if program.digest != text.digest:
        raise AssertionError(f"digest of {text.name} was {program.digest}, not {text.digest}")
    return program
