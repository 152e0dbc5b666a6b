# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the core against a hand-written C loop, peers and a bar for memory. Run `python -m bench.report`."""
