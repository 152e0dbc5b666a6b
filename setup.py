# SPDX-License-Identifier: Apache-2.0
"""Build the one extension, `marginrules._core.core`; everything else is in pyproject.toml.

Four environment switches change the build:

    MARGINRULES_SANITIZE=1   address and undefined-behaviour sanitizers
    MARGINRULES_COVERAGE=1   line tracing for Cython.Coverage
    MARGINRULES_DEBUG=1      no optimisation, debug symbols
    MARGINRULES_ANNOTATE=1   HTML annotation beside the C file

Cython directives are set here and nowhere else: a header directive does not reach inline functions of an included
file, and a division that depends on the file it stands in is a wrong margin.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup


def is_on(switch: str) -> bool:
    return os.environ.get(f"MARGINRULES_{switch}", "") not in ("", "0")


# No contraction and no fast-math: replay must give the same bits on every machine.
COMPILE = ["-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-cast-function-type"]
# Else the assessment of one pool, though inline, is called from the loop over pools all the same: 3 % slower.
COMPILE += ["-finline-limit=1000"]
LINK = ["-pthread", "-lm"]
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
}
PRICING = ("pricing", "pricing_avx2", "pricing_avx512", "american_rule")
# Said to be read by the extension, they also get into a source distribution.
INCLUDED = sorted(str(path) for path in Path("marginrules/_core").iterdir() if path.suffix in {".pyx", ".h"})
MACROS: list[tuple[str, str | None]] = []

if is_on("DEBUG"):
    COMPILE += ["-O0", "-g"]
if is_on("SANITIZE"):
    # CPython compiles with -fwrapv, under which overflow is never reported.
    sanitizers = "-fsanitize=address,undefined"
    COMPILE += [sanitizers, "-fno-sanitize-recover=undefined", "-fno-wrapv", "-O1", "-g"]
    LINK += [sanitizers]
if is_on("COVERAGE"):
    DIRECTIVES["linetrace"] = True
    MACROS += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")]

setup(
    ext_modules=cythonize(  # type: ignore[no-untyped-call]
        [
            Extension(
                "marginrules._core.core",
                ["marginrules/_core/core.pyx", *(f"marginrules/_core/{name}.c" for name in PRICING)],
                depends=INCLUDED,
                extra_compile_args=COMPILE,
                extra_link_args=LINK,
                define_macros=MACROS,
            ),
        ],
        compiler_directives=DIRECTIVES,
        annotate=is_on("ANNOTATE"),
    ),
)
