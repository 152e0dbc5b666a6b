# SPDX-License-Identifier: Apache-2.0
"""What a risk officer does with a rulebook: lint, format, test, plan, document; server and command line share it."""
