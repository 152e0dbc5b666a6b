# SPDX-License-Identifier: Apache-2.0
"""
From a published case to an account and a market under a rulebook, and back to the words of the case.

An adapter translates words and units. It computes no margin: every figure it returns was answered by the engine under
a rulebook of `rules/`, with the parameters of the case in the place of the rulebook's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Case = dict[str, Any]
Answers = dict[str, Any]
Adapter = Callable[[Case, dict[str, Any]], Answers]
ADAPTERS: dict[tuple[str, str], Adapter] = {}


class NotCoveredError(Exception):
    """Say why a case, or one figure of it, cannot be expressed in a rulebook."""


def adapter(file: str, *kinds: str) -> Callable[[Adapter], Adapter]:
    """
    Register what answers the cases of these kinds in one file.

    The function takes a case and the file's `params`; it returns an answer for each expected figure that can be
    expressed, and NotCoveredError in the place of one that cannot. It raises NotCoveredError for a whole case.
    """

    def register(function: Adapter) -> Adapter:
        for kind in kinds:
            ADAPTERS[file, kind] = function
        return function

    return register
