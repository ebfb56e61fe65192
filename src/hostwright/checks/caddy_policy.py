"""Policy of Caddy's configuration, read from what the Caddyfile was adapted to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.checks.finding import Checked, Finding
from hostwright.contract.models import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hostwright.contract.models import Contract

    Rule = Callable[[Contract, "Adapted"], Iterator[Finding]]

#: Headers that every answer of a site carries, and what a browser does without them.
HEADERS = {
    "X-Content-Type-Options": "browsers guess content types",
    "X-Frame-Options": "other sites may frame it",
    "Referrer-Policy": "addresses leak to other sites",
}
HSTS = "Strict-Transport-Security"
#: Headers that carry credentials and must not reach a log.
CREDENTIALS = ("Authorization", "Cookie")
#: Largest request body that is a limit at all, in bytes.
MOST_BODY = 1 << 30
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

_LIVE = re.compile(r"^\{file\./live/current/(?P<role>\w+)\}:(?P<port>\d+)$")


@dataclass(frozen=True)
class Adapted:
    """Caddy's configuration as the engine adapted it.

    Args:
        config: The JSON configuration.
        files: The Caddyfiles by path in the repository: findings name the line of a directive.
        whole: Whether it serves every application, with sites for roles that this one may lack.
    """

    config: Mapping[str, Any]
    files: Mapping[str, str]
    whole: bool = False

    def place(self, *texts: str, role: str = "") -> tuple[str, int]:
        """File and line of the first of *texts* that stands in a Caddyfile, outside comments.

        The files that send requests to *role* come first.
        """
        own = f"live/current/{role}}}"
        files = sorted(self.files.items(), key=lambda item: own not in item[1])
        for text in texts:
            for file, content in files:
                for number, line in enumerate(content.splitlines(), 1):
                    if text in line and not line.lstrip().startswith("#"):
                        return file, number
        return next(iter(self.files)), 1

    @property
    def servers(self) -> Mapping[str, Mapping[str, Any]]:
        """The HTTP servers."""
        apps = self.config.get("apps") or {}
        servers: Mapping[str, Mapping[str, Any]] = (apps.get("http") or {}).get("servers") or {}
        return servers


class Site(NamedTuple):
    """One site: its hosts, its server, and all of its handlers (those for errors apart)."""

    hosts: tuple[str, ...]
    server: Mapping[str, Any]
    handlers: list[Mapping[str, Any]]

    def all_of(self, kind: str) -> list[Mapping[str, Any]]:
        """Its handlers of one kind."""
        return [item for item in self.handlers if item.get("handler") == kind]

    @property
    def dials(self) -> list[str]:
        """Where it sends requests."""
        proxies = self.all_of("reverse_proxy")
        return [str(to.get("dial")) for item in proxies for to in item.get("upstreams") or []]

    @property
    def role(self) -> str:
        """The role that it sends requests to; empty if it sends them nowhere."""
        found = [match["role"] for dial in self.dials if (match := _LIVE.match(dial))]
        return found[0] if found else ""

    @property
    def shown(self) -> str:
        """Its hosts as messages name them."""
        return ", ".join(self.hosts) or "any host"


def check(contract: Contract, adapted: Adapted) -> Checked:
    """Every rule against *adapted*."""
    found = [finding for rule in RULES for finding in rule(contract, adapted)]
    return Checked(len(RULES) + len(sites(adapted)), tuple(sorted(found)))


def sites(adapted: Adapted) -> list[Site]:
    """The sites that the world reaches; a server on loopback alone is not one."""
    return [
        Site(_hosts(route), server, list(_handlers(route)))
        for server in adapted.servers.values()
        if not _is_loopback(server)
        for route in server.get("routes") or []
    ]


def _is_loopback(server: Mapping[str, Any]) -> bool:
    return all(
        str(item).removeprefix("tcp/").rpartition(":")[0].strip("[]") in LOCAL
        for item in server.get("listen") or [""]
    )


def _hosts(route: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(host) for item in route.get("match") or [] for host in item.get("host") or [])


def _handlers(route: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for handler in route.get("handle") or []:
        yield handler
        for inner in handler.get("routes") or []:
            yield from _handlers(inner)


def _finding(  # noqa: PLR0913 - a finding is what it is
    adapted: Adapted,
    check: str,
    message: str,
    remedy: str,
    *near: str,
    role: str = "caddy",
    site: Site | None = None,
) -> Finding:
    file, line = adapted.place(*near, role=site.role if site else "")
    return Finding(check, "vps", file, line, role, "", message, remedy)


def admin(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """The admin API is a socket: on TCP every container could reconfigure the proxy."""
    told = adapted.config.get("admin") or {}
    listen = str(told.get("listen") or "localhost:2019")
    if told.get("disabled"):
        yield _finding(
            adapted,
            "caddy-admin",
            "the admin API is off: nothing can reload it or count requests in flight",
            "Use a unix socket: admin unix//run/hostwright/admin.sock|0600.",
            "admin ",
        )
    elif not listen.startswith("unix/"):
        yield _finding(
            adapted,
            "caddy-admin",
            f"the admin API listens on {listen}: whoever reaches it rewrites the proxy",
            "Use a unix socket: admin unix//run/hostwright/admin.sock|0600.",
            "admin ",
        )


def tls(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Sites are served over TLS only, and plain HTTP leads there."""
    for server in adapted.servers.values():
        if _is_loopback(server):
            continue
        automatic = server.get("automatic_https") or {}
        ports = {str(item).rpartition(":")[2] for item in server.get("listen") or []}
        if ports != {"443"} or automatic.get("disable"):
            yield _finding(
                adapted,
                "caddy-tls",
                f"serves {_named(server)} without TLS (port {', '.join(sorted(ports))})",
                "Let the site's address begin with https:// and leave auto_https on.",
                "auto_https",
                "http://{$",
                "http://",
                "https://",
            )
        elif automatic.get("disable_redirects"):
            yield _finding(
                adapted,
                "caddy-tls",
                "plain HTTP is not led to HTTPS",
                "Leave auto_https on.",
                "auto_https",
            )


def _named(server: Mapping[str, Any]) -> str:
    hosts = [host for route in server.get("routes") or [] for host in _hosts(route)]
    return ", ".join(hosts) or "any host"


def upstreams(contract: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Each upstream is a role that exists, found by its live file, at the contract's port."""
    for site in sites(adapted):
        for dial in site.dials:
            yield from _upstream(contract, adapted, dial)


def _upstream(contract: Contract, adapted: Adapted, dial: str) -> Iterator[Finding]:
    match = _LIVE.match(dial)
    if not match:
        named = next((name for name in ROLES if name in dial), "caddy")
        yield _finding(
            adapted,
            "caddy-upstream-fixed",
            f"the upstream {dial} is not read from live/current: a switch would not move it",
            "Write reverse_proxy {file./live/current/ROLE}:PORT.",
            f"reverse_proxy {dial.partition(':')[0]}",
            "reverse_proxy",
            role=named,
        )
        return
    name, port = match["role"], int(match["port"])
    near = (f"live/current/{name}}}", "reverse_proxy")
    role = next((item for key, item in contract.roles.items() if key == name), None)
    if role is None and adapted.whole and name in ROLES:
        return
    if role is None or role.port is None:
        yield _finding(
            adapted,
            "caddy-role-absent",
            f"requests are sent to {name}, and the application has no such role that listens",
            "Remove the route, or declare the role in contract.yaml.",
            *near,
            role=name,
        )
    elif role.port != port:
        yield _finding(
            adapted,
            "caddy-port",
            f"requests are sent to port {port}, and the contract says {role.port}",
            f"Use port {role.port}.",
            *near,
            role=name,
        )


def roles_served(contract: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Every public role has a site."""
    dials = {dial for site in sites(adapted) for dial in site.dials}
    for name, role in contract.roles.items():
        if role.exposure == "public" and not any(f"/{name}}}" in dial for dial in dials):
            yield _finding(
                adapted,
                "caddy-role-unserved",
                f"no site leads to {name}, which the contract makes public",
                "Add a site for it.",
                role=name,
            )


def headers(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Every site answers with the security headers; HSTS where it has a real domain."""
    for site in sites(adapted):
        if not site.all_of("reverse_proxy"):
            continue
        given = _response_headers(site)
        for name, what in HEADERS.items():
            if name.lower() not in given:
                yield _finding(
                    adapted,
                    "caddy-header",
                    f"{site.shown} answers without {name}: {what}",
                    f"Add {name} to the headers of the site.",
                    "header",
                )
        if set(site.hosts) - LOCAL and HSTS.lower() not in given:
            yield _finding(
                adapted,
                "caddy-header",
                f"{site.shown} answers without {HSTS}: the first visit can be hijacked",
                f"Add {HSTS}.",
                "header",
            )


def _response_headers(site: Site) -> set[str]:
    return {
        name.lower()
        for item in site.all_of("headers")
        for kind in ("set", "add")
        for name in (item.get("response") or {}).get(kind) or {}
    }


def request_limits(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Bodies and headers are bounded, in size and in the time that headers may take."""
    for site in sites(adapted):
        sizes = [int(item.get("max_size") or 0) for item in site.all_of("request_body")]
        if site.all_of("reverse_proxy") and not any(0 < size <= MOST_BODY for size in sizes):
            yield _finding(
                adapted,
                "caddy-request-limit",
                f"{site.shown} takes request bodies of any size",
                "Add request_body { max_size … }.",
                "request_body",
                "reverse_proxy",
                site=site,
            )
    for server in adapted.servers.values():
        if not _is_loopback(server) and not server.get("read_header_timeout"):
            yield _finding(
                adapted,
                "caddy-request-limit",
                "a request may take for ever to send its headers",
                "Set timeouts { read_header … } in the global servers option.",
                "timeouts",
                "servers",
            )


def logs(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Every site is logged as JSON, without credentials."""
    loggers = (adapted.config.get("logging") or {}).get("logs") or {}
    for server in adapted.servers.values():
        if _is_loopback(server):
            continue
        told = server.get("logs")
        if told is None:
            yield _finding(
                adapted, "caddy-log", f"{_named(server)} is not logged", "Add log.", "log"
            )
        elif told.get("should_log_credentials"):
            yield _finding(
                adapted,
                "caddy-log-credentials",
                "cookies and authorization headers are written to the log",
                "Remove log_credentials.",
                "log_credentials",
            )
    for name, logger in loggers.items():
        yield from _logger(adapted, name, logger)


def _logger(adapted: Adapted, name: str, logger: Mapping[str, Any]) -> Iterator[Finding]:
    encoder = logger.get("encoder") or {}
    inner = encoder.get("wrap") or encoder
    if inner.get("format") != "json":
        yield _finding(
            adapted,
            "caddy-log",
            f"the log {name} is not JSON",
            "Set format json, or wrap json in its filter.",
            "format",
            "log {",
            "log",
        )
    if not logger.get("include"):
        return
    fields = {str(key).lower() for key in encoder.get("fields") or {}}
    for header in CREDENTIALS:
        if f"request>headers>{header}".lower() not in fields:
            yield _finding(
                adapted,
                "caddy-log-credentials",
                f"the log of requests keeps the field {header}",
                f"Add `request>headers>{header} delete` to its filter.",
                "request>headers>",
                "format",
                "log",
            )
    if "request>uri" not in fields:
        yield _finding(
            adapted,
            "caddy-log-credentials",
            "the log of requests keeps tokens that stand in a query",
            "Add a `request>uri query` filter that replaces them.",
            "request>headers>",
            "format",
            "log",
        )


def proxies(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """Not everybody is a trusted proxy: else everybody chooses the address they come from."""
    for server in adapted.servers.values():
        told = server.get("trusted_proxies") or {}
        for scope in told.get("ranges") or []:
            if str(scope).endswith("/0"):
                yield _finding(
                    adapted,
                    "caddy-trusted-proxies",
                    f"believes forwarding headers from everybody ({scope})",
                    "Name the ranges of your own proxies.",
                    "trusted_proxies",
                )


def waiting(_: Contract, adapted: Adapted) -> Iterator[Finding]:
    """A request waits while the one upstream restarts."""
    for site in sites(adapted):
        for proxy in site.all_of("reverse_proxy"):
            if not (proxy.get("load_balancing") or {}).get("try_duration"):
                yield _finding(
                    adapted,
                    "caddy-try-duration",
                    f"{site.shown} fails at once while its role restarts",
                    "Set lb_try_duration.",
                    "lb_try_interval",
                    "reverse_proxy",
                )


RULES: tuple[Rule, ...] = (
    admin,
    tls,
    upstreams,
    roles_served,
    headers,
    request_limits,
    logs,
    proxies,
    waiting,
)
