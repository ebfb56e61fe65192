"""How requests get in: routes lead to Services that are there, over TLS, for the public roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hostwright.checks.kubernetes.view import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Rule, View
    from hostwright.helm.manifest import Object

CHECKS = {
    "route-both": "requests get in by what routing.type says",
    "route-dangling": "routes lead to ports of Services that are there",
    "route-host": "every public name leads to its role, and no others do",
    "route-parent": "a route has a Gateway that takes it",
    "ingress-without-tls": "an Ingress serves every name over TLS",
    "ingress-class": "an Ingress says which controller serves it",
}
_KINDS = {"HTTPRoute": "gateway", "Ingress": "ingress"}


class Way(NamedTuple):
    """A host name that leads to a Service."""

    by: Object
    host: str
    service: str
    port: Any


def ways(view: View) -> list[Way]:
    """Every way in."""
    found = [
        Way(item, host, str(backend.get("name")), backend.get("port"))
        for item in view.manifest.of("HTTPRoute")
        for rule in item.at("spec", "rules") or ()
        for backend in rule.get("backendRefs") or ()
        for host in item.at("spec", "hostnames") or [""]
    ]
    for item in view.manifest.of("Ingress"):
        for rule in item.at("spec", "rules") or ():
            for path in (rule.get("http") or {}).get("paths") or ():
                backend = (path.get("backend") or {}).get("service") or {}
                port = backend.get("port") or {}
                found.append(
                    Way(
                        item,
                        str(rule.get("host") or ""),
                        str(backend.get("name")),
                        port.get("number") or port.get("name"),
                    )
                )
    return found


def kinds(view: View) -> Iterator[Finding]:
    """One of the two, as the values say."""
    for item in view.manifest.of(*_KINDS):
        if _KINDS[item.kind] != view.settings.routing:
            what = f"is made, and routing.type is {view.settings.routing}"
            yield told("route-both", item, what, "Leave it out.", "kind")


def backends(view: View) -> Iterator[Finding]:
    """Routes lead to ports of Services that are there."""
    for way in ways(view):
        service = view.manifest.find("Service", way.service)
        ports = (service.at("spec", "ports") if service else None) or ()
        known = {port.get(key) for port in ports for key in ("name", "port")}
        if way.port not in known:
            what = f"leads to {way.service}:{way.port}, which is no port of a Service here"
            remedy = "Name the role's Service and its port."
            yield told("route-dangling", way.by, what, remedy, way.service)


def hosts(view: View) -> Iterator[Finding]:
    """Every public name leads to its role; nothing else leads in."""
    if view.settings.routing == "none":
        return
    serving = {item.name: item for item in view.serving if item.role.exposure != "none"}
    wanted = {name: host for name, host in view.settings.hosts.items() if name in serving}
    there = [(way, _role(view, way)) for way in ways(view)]
    for name, host in wanted.items():
        if not any(role == name and way.host == host for way, role in there):
            what = f"has the name {host}, and no route leads from it to {name}"
            remedy = "Add a route for it."
            yield told("route-host", serving[name].pod.object, what, remedy, host)
    for way, role in there:
        if way.host not in wanted.values() or wanted.get(role) != way.host:
            what = f"leads from {way.host or 'every name'} to {way.service}"
            remedy = "Route appDomain to web and apiDomain to api, and nothing else."
            yield told("route-host", way.by, what, remedy, way.host)


def _role(view: View, way: Way) -> str:
    service = view.manifest.find("Service", way.service)
    return service.role if service else ""


def parents(view: View) -> Iterator[Finding]:
    """A route without a Gateway is taken by nobody."""
    for item in view.manifest.of("HTTPRoute"):
        if not all(parent.get("name") for parent in item.at("spec", "parentRefs") or [{}]):
            what = "names no Gateway: nobody takes it"
            yield told("route-parent", item, what, "Set routing.gateway.name.", "parentRefs")


def tls(view: View) -> Iterator[Finding]:
    """Every name of an Ingress is served over TLS, with a certificate in a Secret."""
    for item in view.manifest.of("Ingress"):
        covered = {
            host
            for each in item.at("spec", "tls") or ()
            if each.get("secretName")
            for host in each.get("hosts") or ()
        }
        for rule in item.at("spec", "rules") or ():
            if rule.get("host") not in covered:
                what = f"serves {rule.get('host') or 'every name'} without TLS"
                yield told("ingress-without-tls", item, what, "Add it to tls.", "tls")
        if not item.at("spec", "ingressClassName"):
            what = "leaves it to the cluster which controller serves it"
            remedy = "Set routing.ingress.className."
            yield told("ingress-class", item, what, remedy, "ingressClassName")


RULES: tuple[Rule, ...] = (kinds, backends, hosts, parents, tls)
