# SPDX-License-Identifier: Apache-2.0
"""What running a case came to: each expectation that did not hold, with the rule behind it, and what was reached."""

from __future__ import annotations

from dataclasses import dataclass

Touch = tuple[str, ...]  # a part of a rulebook that a case reached; see `coverage`


@dataclass(frozen=True, slots=True)
class Failure:
    """
    Carry one expectation that did not hold.

    Args:
        file, line, column: where it stands.
        time_ns: simulated time of the look.
        pool: label of the pool looked at; "" where the case could not be played on.
        field: "refused" where a command of the case was refused.
        difference: of lists, the lines with `-` (expected) and `+` (found) before them.
        rule: `rulebook.yaml:14 perpetuals/initial_call`, the rule that decided; "" where none did.
        because: what was measured, and the threshold that it did not reach or pass.
    """

    case: str
    file: str
    line: int
    column: int
    time_ns: int
    pool: str
    field: str
    expected: str
    got: str
    rule: str = ""
    because: str = ""
    difference: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Carry how one case came out; what it reached is empty where nobody asked."""

    case: str
    file: str
    line: int
    failures: tuple[Failure, ...]
    touched: frozenset[Touch] = frozenset()

    @property
    def is_passed(self) -> bool:
        """Say whether everything came out as expected."""
        return not self.failures
