# SPDX-License-Identifier: Apache-2.0
"""Two compiled rulebooks compared exactly: stricter, looser, or no different decision for anybody."""

from marginrules.rulebook.compare.records import Change, Comparison, Direction, Number, Span, Verdict
from marginrules.rulebook.compare.whole import compare

__all__ = ["Change", "Comparison", "Direction", "Number", "Span", "Verdict", "compare"]
