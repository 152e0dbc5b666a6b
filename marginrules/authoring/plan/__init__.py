# SPDX-License-Identifier: Apache-2.0
"""What a change of the active rulebook would do, exactly; as a file that does just that or nothing."""

from marginrules.authoring.plan.file import read_plan, write_plan
from marginrules.authoring.plan.make import check_plan, compare_from, make_plan, stale
from marginrules.authoring.plan.model import Base, Plan, PlannedCount, PlannedImpact, StalePlanError
from marginrules.authoring.plan.words import change_words, comparison_words, summary_words

__all__ = [
    "Base",
    "Plan",
    "PlannedCount",
    "PlannedImpact",
    "StalePlanError",
    "change_words",
    "check_plan",
    "compare_from",
    "comparison_words",
    "make_plan",
    "read_plan",
    "stale",
    "summary_words",
    "write_plan",
]
