"""The web role's one page: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STYLE = """\
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #8884; }
.ok { color: var(--good); } .bad { color: var(--bad); }
input, button { font: inherit; padding: .35rem .75rem; }
"""


def render(version: str, rows: list[tuple[str, bool, str]], item: Mapping[str, Any] | None) -> str:
    """The page.

    Args:
        version: The web image's version.
        rows: What it is, whether it is well, and in which words.
        item: The item that was asked for; the page reloads itself while it is pending.
    """
    pending = item is not None and item.get("state") == "pending"
    refresh = '<meta http-equiv="refresh" content="1">' if pending else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>probe {escape(version)}</title>
<link rel="stylesheet" href="/style.css">{refresh}
</head>
<body>
<h1>probe, version {escape(version)}</h1>
<table>
<thead><tr><th scope="col">What</th><th scope="col">State</th></tr></thead>
<tbody>
{"".join(map(_row, rows))}</tbody>
</table>
<h2>A job for the worker</h2>
<form method="post" action="/">
<label>Name <input name="name" maxlength="200" required></label>
<button>Store and queue</button>
</form>
{_item(item)}</body>
</html>
"""


def _row(row: tuple[str, bool, str]) -> str:
    name, good, words = row
    kind = "ok" if good else "bad"
    return f'<tr><th scope="row">{escape(name)}</th><td class="{kind}">{escape(words)}</td></tr>\n'


def _item(item: Mapping[str, Any] | None) -> str:
    if item is None:
        return ""
    if "error" in item:
        return f'<p class="bad">{escape(str(item["error"]))}</p>\n'
    done = f", done by version {item['done_by']}" if item.get("done_by") else ""
    words = f"Item {item['id']} ({item['name']}) is {item['state']}{done}."
    return f"<p>{escape(words)}</p>\n"
