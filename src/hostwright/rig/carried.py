"""What a server or image takes over from this machine so that ``apt-get install`` works in it.

Pure functions over texts, and :func:`gather`, which reads them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hostwright.errors import ToolError
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: apt settings that say how to reach a mirror; all others stay the server's own.
REACH = ("acquire::http", "acquire::check-", "acquire::retries", "acquire::forceipv4")
DEBIAN = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
AUTHORITIES = Path("/usr/local/share/ca-certificates")
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


@dataclass(frozen=True)
class Carried:
    """Mirrors, apt settings, resolvers and certificate authorities of this machine.

    Attributes:
        debian: Base URI of a Debian mirror.
        security: Base URI of its security archive.
        apt: Text for a file in ``/etc/apt/apt.conf.d``.
        resolvers: Text of ``/etc/resolv.conf``.
        authorities: PEM texts by file name.
    """

    debian: str
    security: str
    apt: str
    resolvers: str
    authorities: Mapping[str, str] = field(default_factory=dict)


def mirrors(sources: Iterable[str]) -> tuple[str, str]:
    """The Debian mirror and security archive that apt uses here, else the public ones."""
    found = [uri.rstrip("/") for text in sources for uri in re.findall(r"https?://[^\s\]]+", text)]
    debian = [uri for uri in found if uri.endswith("/debian") and "snapshot" not in uri]
    security = [uri for uri in found if uri.endswith("/debian-security") and "snapshot" not in uri]
    return (debian or [DEBIAN])[0], (security or [SECURITY])[0]


def reach(dump: str, environ: Mapping[str, str]) -> str:
    """The settings of ``apt-config dump`` that say how to reach a mirror, and proxies from env."""
    named = re.compile(r'^(?P<key>[\w:.-]+) "(?P<value>.+)";$')
    lines = [
        found[0] for line in dump.splitlines() if (found := named.match(line)) and _ours(found)
    ]
    for scheme in ("http", "https"):
        proxy = environ.get(f"{scheme}_proxy") or environ.get(f"{scheme.upper()}_PROXY")
        if proxy and not _loopback(urlsplit(proxy).hostname or ""):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return "".join(f"{line}\n" for line in lines)


def nameservers(texts: Iterable[str]) -> str:
    """A resolv.conf with the name servers that a server elsewhere can ask too.

    Raises:
        ToolError: All of them are on this machine's loopback.
    """
    lines = [line for text in texts for line in text.splitlines()]
    servers = [words[1] for line in lines if (words := line.split())[:1] == ["nameserver"]]
    far = list(dict.fromkeys(server for server in servers if not _loopback(server)))
    if not far:
        raise ToolError(
            "every name server of this machine is on its loopback, out of a server's reach",
            where="/etc/resolv.conf",
            remedy="Name one that is reachable from a network namespace.",
        )
    return "".join(f"nameserver {server}\n" for server in far)


def sources(suite: str, carried: Carried) -> str:
    """``/etc/apt/sources.list`` of a server."""
    return (
        f"deb {carried.debian} {suite} main\n"
        f"deb {carried.debian} {suite}-updates main\n"
        f"deb {carried.security} {suite}-security main\n"
    )


def gather() -> Carried:
    """Read what there is on this machine."""
    apt = Path("/etc/apt")
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.*"))]
    debian, security = mirrors(path.read_text() for path in files if path.is_file())
    return Carried(
        debian=debian,
        security=security,
        apt=reach(run(["apt-config", "dump"]).stdout, os.environ),
        resolvers=nameservers(path.read_text() for path in RESOLVERS if path.is_file()),
        authorities={path.name: path.read_text() for path in sorted(AUTHORITIES.glob("*.crt"))},
    )


def _ours(found: re.Match[str]) -> bool:
    key = found["key"].lower()
    # Names of files on this machine mean nothing in a server; authorities are carried over.
    return key.startswith(REACH) and not found["value"].startswith("/")


def _loopback(host: str) -> bool:
    return host.startswith("127.") or host in {"::1", "localhost", ""}
