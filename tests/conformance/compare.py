# SPDX-License-Identifier: Apache-2.0
"""Compare what the engine answers with what was published."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.adapters import ADAPTERS, Case, NotCoveredError

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"  # where published cases lie, if they are there
EXACT = {"rel": 1e-9, "abs": 1e-9}


@dataclass
class Tally:
    """Count the cases of one file and kind."""

    reproduced: int = 0
    differing: list[str] = field(default_factory=list)  # `id: figure was ..., published ...`
    not_covered: Counter[str] = field(default_factory=Counter)  # reason -> cases

    @property
    def share(self) -> float:
        """Return which part of the cases that can be expressed was reproduced."""
        count = self.reproduced + len(self.differing)
        return self.reproduced / count if count else 1.0


def read(path: Path) -> dict[str, Any]:
    """Read one file of cases."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def play(file: str, document: dict[str, Any]) -> dict[str, Tally]:
    """Answer every case of a file; return a tally for each kind."""
    tallies: dict[str, Tally] = {}
    for case in document["cases"]:
        tally = tallies.setdefault(case["kind"], Tally())
        adapt = ADAPTERS.get((file, case["kind"]))
        if adapt is None:
            tally.not_covered["no adapter for this kind"] += 1
            continue
        try:
            answers = adapt(case, document.get("params") or {})
        except NotCoveredError as reason:
            tally.not_covered[str(reason)] += 1
            continue
        except Exception as error:  # noqa: BLE001 - whatever stopped it is a difference to show
            tally.differing.append(f"{case['id']}: {type(error).__name__}: {str(error).partition(chr(10))[0][:160]}")
            continue
        differing, missing = differences(case, answers)
        if differing:
            tally.differing.append(f"{case['id']}: {'; '.join(differing)}")
        elif missing and len(missing) == len(case["expected"]):
            tally.not_covered[missing[0]] += 1
        else:
            tally.reproduced += 1
    return tallies


def differences(case: Case, answers: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return figures that differ, and why others cannot be expressed."""
    differing, missing = [], []
    for name, published in case["expected"].items():
        answer = answers.get(name, NotCoveredError(f"figure '{name}' has no counterpart"))
        if isinstance(answer, NotCoveredError):
            missing.append(str(answer))
        elif not is_equal(answer, published, tolerance(case, name)):
            differing.append(f"{name} was {answer!r}, published {published!r}")
    return differing, missing


def tolerance(case: Case, name: str) -> dict[str, float]:
    """Return how far a figure may be off; `tol` of a case is for all figures, or has an entry for each."""
    given = case.get("tol")
    if not isinstance(given, dict):
        return EXACT
    own = next((one for key, one in given.items() if isinstance(one, dict) and name.startswith(key)), given)
    return {key: float(value) for key, value in own.items() if key in ("rel", "abs")} or EXACT


def is_equal(answer: Any, published: Any, allowed: dict[str, float]) -> bool:
    """Compare numbers within a tolerance, lists item by item, everything else to the letter."""
    if isinstance(published, list):
        return len(answer) == len(published) and all(
            is_equal(one, other, allowed) for one, other in zip(answer, published, strict=True)
        )
    if published is None or isinstance(published, (bool, str)) or isinstance(answer, (bool, str)) or answer is None:
        return bool(answer == published)
    return math.isclose(
        float(answer), float(published), rel_tol=allowed.get("rel", 0.0), abs_tol=allowed.get("abs", 0.0) or 1e-9
    )
