# SPDX-License-Identifier: Apache-2.0
"""
Cases: examples in YAML that stand beside a rulebook and are run against it, in simulated time.

`read` makes cases of a text, `run` plays one in a `world` of its own and has a `judge` compare.
"""

from marginrules.authoring.cases.model import Case, CaseFile
from marginrules.authoring.cases.read import read_cases
from marginrules.authoring.cases.result import CaseResult, Failure
from marginrules.authoring.cases.run import run_case

__all__ = ["Case", "CaseFile", "CaseResult", "Failure", "read_cases", "run_case"]
