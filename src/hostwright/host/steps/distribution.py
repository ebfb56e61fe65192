"""Which systems this is written for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.errors import UnsupportedHost

if TYPE_CHECKING:
    from hostwright.host.facts import Facts

SUPPORTED = {
    ("debian", "12"): "Debian 12",
    ("debian", "13"): "Debian 13",
    ("ubuntu", "22.04"): "Ubuntu 22.04",
    ("ubuntu", "24.04"): "Ubuntu 24.04",
}


def check(facts: Facts) -> None:
    """Refuse any other system before anything is touched.

    Raises:
        UnsupportedHost: It is none of :data:`SUPPORTED`.
    """
    if facts.distribution not in SUPPORTED:
        raise UnsupportedHost(
            f"the host runs {facts.name}",
            remedy=f"Supported are {', '.join(SUPPORTED.values())}. Nothing was changed.",
        )
