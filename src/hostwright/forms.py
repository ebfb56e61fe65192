"""Forms of text that settings take: refused in words, described to editors by their pattern."""

from __future__ import annotations

import re

from pydantic import AfterValidator, WithJsonSchema


def like(pattern: str, what: str, longest: int) -> tuple[AfterValidator, WithJsonSchema]:
    """A text of one form: refused in words, described to editors by its pattern."""
    form = re.compile(pattern)

    def fits(text: str) -> str:
        if len(text) > longest or not form.fullmatch(text):
            raise ValueError(f"is not {what}")
        return text

    schema = {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": longest}
    return AfterValidator(fits), WithJsonSchema(schema)
