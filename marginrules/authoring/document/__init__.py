# SPDX-License-Identifier: Apache-2.0
"""A rulebook as a page for people who do not read YAML: ladders drawn as ladders, tiers as tables and charts."""

from marginrules.authoring.document.content import Act, describe
from marginrules.authoring.document.html import as_html
from marginrules.authoring.document.markdown import as_markdown

FORMATS = {"html": as_html, "markdown": as_markdown}

__all__ = ["FORMATS", "Act", "as_html", "as_markdown", "describe"]
