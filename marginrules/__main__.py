# SPDX-License-Identifier: Apache-2.0
"""Let `python -m marginrules` do what `marginrules` does."""

from marginrules.cli.main import main

main(prog_name="marginrules")
