# SPDX-License-Identifier: Apache-2.0
"""Rulebooks: text to nodes to records to one immutable program, with every problem reported at its place."""

from marginrules.rulebook.compile import Program, load, validate
from marginrules.rulebook.diagnostic import Diagnostic, render_json, render_text

__all__ = ["Diagnostic", "Program", "load", "render_json", "render_text", "validate"]
