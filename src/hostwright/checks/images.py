"""References to images, whichever target runs them."""

from __future__ import annotations


def moves(reference: str) -> bool:
    """Whether a reference means whatever was pushed last: no digest, and no tag but ``latest``."""
    name, digest = reference.partition("@")[::2]
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and tag in {"", "latest"}
