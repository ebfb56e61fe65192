"""The contract as an HTML table: a row a variable, its roles, and its source on every target.

The table is complete without JavaScript; with it, one can filter it. :func:`page` is one file that
asks nothing of anybody else; :func:`fragment` is the same table inside a page of the site.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright.contract.matrix import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hostwright.contract.matrix import Row
    from hostwright.contract.models import Contract, Source

ASSETS = Path(__file__).with_name("assets")
TITLE = "Contract matrix"
_CAPTION = (
    "Which role gets which variable, where each target takes it from, and what is secret. "
    "“platform” and “none”: nothing sets it there."
)


def page(contract: Contract) -> str:
    """One HTML file: the table with its style and its filter, and nothing from anywhere else."""
    return f"""<!doctype html>
<html lang="en" class="matrix-alone">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(f"{TITLE}: {contract.application}")}</title>
<link rel="icon" href="data:,">
<style>
{asset("matrix.css")}</style>
</head>
<body>
<h1>{escape(f"{TITLE}: {contract.application}")}</h1>
{fragment(contract)}
<script>
{asset("matrix.js")}</script>
</body>
</html>
"""


def fragment(contract: Contract) -> str:
    """The table and, hidden until a script shows it, its filter; without an empty line."""
    found = rows(contract)
    lines = [
        '<div class="matrix-whole">',
        *_filter(contract),
        '<div class="matrix-box" role="region" aria-labelledby="matrix-caption" tabindex="0">',
        '<table class="matrix">',
        f'<caption id="matrix-caption">{escape(_CAPTION)}</caption>',
        *_head(contract),
        "<tbody>",
        *(_row(contract, row) for row in found),
        "</tbody>",
        "</table>",
        "</div>",
        "</div>",
    ]
    return "\n".join(lines)


def asset(name: str) -> str:
    """The text of a file that the site serves."""
    return (ASSETS / name).read_text(encoding="utf-8")


def _filter(contract: Contract) -> Iterator[str]:
    yield '<form class="matrix-filter" role="search" aria-label="Filter the matrix" hidden>'
    yield _choice("role", "Role", "every role", contract.roles)
    yield _choice("target", "Target", "every target", contract.targets)
    yield _choice("secret", "Secret", "secret or not", ("yes", "no"))
    yield (
        '<label>Text<input type="search" name="text" placeholder="name, meaning, source" '
        'autocomplete="off"></label>'
    )
    yield '<output name="count" aria-live="polite"></output>'
    yield "</form>"


def _choice(name: str, label: str, whole: str, values: Iterable[str]) -> str:
    told = "".join(f"<option>{escape(value)}</option>" for value in values)
    first = f'<option value="">{escape(whole)}</option>'
    return f'<label>{label}<select name="{name}">{first}{told}</select></label>'


def _head(contract: Contract) -> Iterator[str]:
    heads = [
        *(_heading(name) for name in ("variable", "roles")),
        *(_heading(target, f' data-target="{escape(target)}"') for target in contract.targets),
        *(_heading(name) for name in ("required", "when", "meaning")),
    ]
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"


def _heading(text: str, more: str = "") -> str:
    return f'<th scope="col"{more}>{escape(text)}</th>'


def _row(contract: Contract, row: Row) -> str:
    sources = {target: contract.variables[row.name].source(target) for target in contract.targets}
    emitted = [target for target, source in sources.items() if source.emitted]
    secret = ' <span class="matrix-secret">secret</span>' if row.secret else ""
    cells = [
        f'<th scope="row">{_codes(row.name)}{secret}</th>',
        f"<td>{escape(', '.join(row.roles))}</td>",
        *(
            f'<td data-target="{escape(target)}">{_source(source)}</td>'
            for target, source in sources.items()
        ),
        f"<td>{escape(row.required)}</td>",
        f'<td class="matrix-when">{_codes(row.when)}</td>',
        f'<td class="matrix-text">{escape(row.meaning)}</td>',
    ]
    told = {
        "roles": " ".join(row.roles),
        "targets": " ".join(emitted),
        "secret": "yes" if row.secret else "no",
    }
    facts = "".join(f' data-{name}="{escape(value)}"' for name, value in told.items())
    return f"<tr{facts}>{''.join(cells)}</tr>"


def _source(source: Source) -> str:
    """The kind in plain letters, what follows it as code."""
    kind, _, text = str(source).partition(" ")
    shown = f'<span class="matrix-{kind}">{escape(kind)}</span>'
    return f"{shown} {_codes(text)}" if text else shown


def _codes(text: str) -> str:
    """As code that may break after a sign that joins words, and nowhere else in a word."""
    broken = re.sub(r"([_=|,/])(?=\w)", r"\1<wbr>", escape(text))
    return f"<code>{broken}</code>" if text else ""
