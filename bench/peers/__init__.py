# SPDX-License-Identifier: Apache-2.0
"""The same decisions by other means: a C loop, plain Python, numpy and zen-engine."""
