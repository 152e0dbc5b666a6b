# SPDX-License-Identifier: Apache-2.0
"""
The evaluation core: program tables, market and book in flat C memory, and what they say about one pool or a million.

Names are resolved to integer ids at the border; below it there are only C structures. Every function that evaluates
is `noexcept nogil` and takes pointers, so a native thread can run a check without Python. One writer at a time: a
read-write lock gives each check one state of book, market and program.
"""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport fabs, floor, isfinite, isnan
from libc.stdint cimport INT64_MAX, INT64_MIN, int8_t, int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

include "layout.pyx"
include "pair.pyx"
include "pricing.pyx"
include "machine.pyx"
include "arena.pyx"
include "packing.pyx"
include "packing_tree.pyx"
include "grouping.pyx"
include "grouping_solve.pyx"
include "recording.pyx"
include "strategy.pyx"
include "portfolio.pyx"
include "collateral.pyx"
include "evaluate.pyx"
include "order.pyx"
include "models.pyx"
include "tables.pyx"
include "result.pyx"
include "market.pyx"
include "moved.pyx"
include "reading.pyx"
include "shadow.pyx"
include "levels.pyx"
include "engine.pyx"
include "whatif.pyx"
include "ranking.pyx"
include "explaining.pyx"
include "grouping_view.pyx"
