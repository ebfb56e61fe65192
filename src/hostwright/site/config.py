"""What Zensical is told: docs/zensical.toml, with the navigation and the directories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostwright.site.nav import Entry

#: Where the pages are and the site goes, below the directory of the configuration.
PAGES, MADE = "pages", "made"


def config(settings: Mapping[str, Any], sections: Mapping[str, Sequence[Entry]]) -> str:
    """The whole configuration as TOML.

    Args:
        settings: What ``docs/zensical.toml`` holds.
        sections: The navigation.
    """
    nav = [
        {section: [{entry.title: entry.path} for entry in entries]}
        for section, entries in sections.items()
    ]
    project = {**settings["project"], "docs_dir": PAGES, "site_dir": MADE, "nav": nav}
    lines = (f"{json.dumps(key)} = {_value(value)}" for key, value in project.items())
    return "\n".join(["[project]", *lines, ""])


def _value(value: Any) -> str:  # noqa: ANN401 - whatever TOML holds
    """A value on one line: TOML's tables and lists may stand there, too."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}" if value else "{}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)
