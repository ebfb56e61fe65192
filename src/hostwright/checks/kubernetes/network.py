"""Network policies: everything is denied, and what the contract needs is let through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from hostwright.checks.kubernetes.view import STORES, chosen, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.finding import Finding
    from hostwright.checks.kubernetes.view import Hosted, Rule, View
    from hostwright.helm.manifest import Object, Pod

CHECKS = {
    "policy-missing": "every pod is under a policy for both directions",
    "policy-open": "no policy lets every port through",
    "policy-dns": "every pod may ask for names",
    "policy-metadata": "identities of Google's are asked for at their own address",
    "egress-blocked": "a role reaches what its variables lead to",
    "role-blocked": "a role is reached by whom it is for",
    "role-open": "a role is reached by nobody else",
    "store-blocked": "a role that is given a store reaches it",
    "store-let-through": "a role that is given no store does not reach it",
}
Direction = Literal["Ingress", "Egress"]
_RULES = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
_DNS, _HTTPS = 53, 443
#: Where GKE's workload identity is asked for a token.
_METADATA = (("169.254.169.254", 80), ("169.254.169.252", 988))
_SCHEMES = {"http": 80, "https": _HTTPS}
_HOST_PORT = re.compile(r"[\w.-]+:(\d+)")
#: Variables whose value decides that something on the internet is asked: it is asked by HTTPS.
_ELSEWHERE = {
    "SECRETS_PROVIDER": ("aws_sm", "azure_kv", "gcp_sm"),
    "STORAGE_PROVIDER": ("azure_blob", "gcs"),
}
_AZURE_OR_AWS = ("eks.amazonaws.com/role-arn", "azure.workload.identity/client-id")
_GOOGLE = "iam.gke.io/gcp-service-account"


@dataclass(frozen=True)
class Policies:
    """The policies of one pod in one direction."""

    pod: Pod
    direction: Direction
    rules: tuple[Mapping[str, Any], ...]
    isolated: bool

    def lets(self, port: int, *, peer: Pod | None = None, protocol: str = "TCP") -> bool:
        """Whether *port* is let through: with *peer*, or with something outside the cluster."""
        if not self.isolated:
            return True
        return any(
            self._at(rule, port, protocol, peer) and self._with(rule, peer) for rule in self.rules
        )

    def _at(self, rule: Mapping[str, Any], port: int, protocol: str, peer: Pod | None) -> bool:
        ports = rule.get("ports")
        if not ports:
            return True
        # A port that has a name is the receiver's.
        receiver = self.pod if self.direction == "Ingress" else peer
        return any(
            item.get("protocol", "TCP") == protocol and _is(item, port, receiver) for item in ports
        )

    def _with(self, rule: Mapping[str, Any], peer: Pod | None) -> bool:
        peers = rule.get(_RULES[self.direction][1])
        return not peers or any(_matches(item, peer) for item in peers)


def _is(item: Mapping[str, Any], port: int, receiver: Pod | None) -> bool:
    given = item.get("port")
    if isinstance(given, str):
        named = [
            each.get("containerPort")
            for container in (receiver.containers if receiver else ())
            for each in container.body.get("ports") or ()
            if each.get("name") == given
        ]
        return port in named
    return given is None or given <= port <= item.get("endPort", given)


def _matches(item: Mapping[str, Any], peer: Pod | None) -> bool:
    """Whether a peer of a policy is *peer*; whatever is outside is behind a range of addresses."""
    if peer is None:
        return "ipBlock" in item
    if "podSelector" in item:
        return chosen(item["podSelector"] or {}, peer.labels)
    return "namespaceSelector" in item


def of(view: View, pod: Pod, direction: Direction) -> Policies:
    """What the policies say of *pod*."""
    key, found = _RULES[direction][0], list[Any]()
    isolated = False
    for policy in view.manifest.of("NetworkPolicy"):
        if direction in _types(policy) and chosen(
            policy.at("spec", "podSelector") or {}, pod.labels
        ):
            isolated = True
            found += [rule or {} for rule in policy.at("spec", key) or ()]
    return Policies(pod, direction, tuple(found), isolated)


def _types(policy: Object) -> list[str]:
    given = policy.at("spec", "policyTypes")
    return list(given or (["Ingress", "Egress"] if policy.at("spec", "egress") else ["Ingress"]))


# --- rules ---------------------------------------------------------------------------------------


def isolation(view: View) -> Iterator[Finding]:
    """Every pod is under a policy for both directions, that of the migration and of tests too."""
    for pod in view.manifest.pods:
        directions: tuple[Direction, ...] = ("Ingress", "Egress")
        for direction in directions:
            if not of(view, pod, direction).isolated:
                what = f"is under no policy for {direction.lower()}: everything is let through"
                remedy = "Let the policy that denies everything select it."
                yield told("policy-missing", pod, what, remedy, direction.lower())


def openings(view: View) -> Iterator[Finding]:
    """A rule without ports lets everything through."""
    for policy in view.manifest.of("NetworkPolicy"):
        for key in ("ingress", "egress"):
            for rule in policy.at("spec", key) or ():
                if not (rule or {}).get("ports"):
                    what = f"has a rule in {key} that names no port: every port is let through"
                    yield told("policy-open", policy, what, "Name the ports.", key)
        if not policy.at("spec", "podSelector") and _adds(policy):
            what = "lets something through for every pod of the namespace"
            remedy = "Select the pods that need it."
            yield told("policy-open", policy, what, remedy, "podSelector")


def _adds(policy: Object) -> bool:
    return bool(policy.at("spec", "ingress") or policy.at("spec", "egress"))


def dangling(view: View) -> Iterator[Finding]:
    """A policy that selects no pod protects none."""
    for policy in view.manifest.of("NetworkPolicy"):
        if not view.selected(policy.at("spec", "podSelector")):
            what = "is for no pod of this release"
            remedy = "Take its podSelector from the helper that labels the pods."
            yield told("selector-dangling", policy, what, remedy, "podSelector")


def names(view: View) -> Iterator[Finding]:
    """Names are asked for over UDP, and over TCP where the answer is long."""
    for pod in view.manifest.pods:
        policies = of(view, pod, "Egress")
        for protocol in ("UDP", "TCP"):
            if not _asks(policies, protocol):
                what = f"may not ask for names over {protocol}: it finds nothing"
                remedy = f"Let port {_DNS} through for UDP and TCP."
                yield told("policy-dns", pod, what, remedy, protocol)


def _asks(policies: Policies, protocol: str) -> bool:
    if not policies.isolated:
        return True
    return any(
        item.get("protocol", "TCP") == protocol and item.get("port") == _DNS
        for rule in policies.rules
        for item in rule.get("ports") or ()
    )


def stores(view: View) -> Iterator[Finding]:
    """Who is given a store reaches it, and nobody else."""
    for hosted in view.roles:
        policies = of(view, hosted.pod, "Egress")
        for variable in STORES:
            port, lets = view.port(variable), policies.lets(view.port(variable))
            if variable in hosted.env() and not lets:
                what = f"is given {variable} and may not reach port {port}"
                remedy = f"Let port {port} out for {hosted.name}."
                yield told("store-blocked", hosted.pod, what, remedy, variable)
            needed = _wanted(hosted, view)
            if variable not in hosted.env() and policies.isolated and lets and port not in needed:
                what = f"may reach port {port}, and is given no {variable}"
                remedy = f"Let port {port} out for those that are given it."
                yield told("store-let-through", hosted.pod, what, remedy, variable)


def elsewhere(view: View) -> Iterator[Finding]:
    """A role reaches what its variables lead to."""
    for hosted in view.roles:
        policies = of(view, hosted.pod, "Egress")
        for port, variable in sorted(_wanted(hosted, view).items()):
            if not policies.lets(port):
                what = f"has {variable} and may not reach port {port}"
                remedy = f"Let port {port} out for {hosted.name}."
                yield told("egress-blocked", hosted.pod, what, remedy, variable)


def _wanted(hosted: Hosted, view: View) -> dict[int, str]:
    """Ports outside that a role's variables lead to, each with the first variable that does."""
    found: dict[int, str] = {}
    values = {
        name: str(item["value"]) for name, item in sorted(hosted.env().items()) if "value" in item
    }
    for name, value in values.items():
        declared = view.contract.variables.get(name)
        operators = declared is not None and declared.source("kubernetes").kind == "operator"
        port = _port(name, value) if operators else None
        if value in _ELSEWHERE.get(name, ()) or _is_aws(name, values):
            port = _HTTPS
        if port:
            found.setdefault(port, name)
    account = view.manifest.find("ServiceAccount", str(hosted.pod.spec.get("serviceAccountName")))
    if account and account.annotations.keys() & set(_AZURE_OR_AWS):
        found.setdefault(_HTTPS, "identity")
    return found


def _is_aws(name: str, values: Mapping[str, str]) -> bool:
    return name == "STORAGE_PROVIDER" and values[name] == "s3" and "S3_ENDPOINT_URL" not in values


def _port(name: str, value: str) -> int | None:
    """The port of a URL, or of an endpoint's ``host:port``: elsewhere ``1:30`` is just a text."""
    found = _HOST_PORT.fullmatch(value)
    if found and name.endswith("_ENDPOINT"):
        return int(found[1])
    try:
        parts = urlsplit(value)
        return parts.port or _SCHEMES.get(parts.scheme)
    except ValueError:
        return None


def metadata(view: View) -> Iterator[Finding]:
    """GKE's identities are asked for at addresses of the node's own."""
    for pod in view.manifest.pods:
        account = view.manifest.find("ServiceAccount", str(pod.spec.get("serviceAccountName")))
        if account is None or _GOOGLE not in account.annotations:
            continue
        policies = of(view, pod, "Egress")
        for address, port in _METADATA:
            if not policies.lets(port):
                what = f"has an identity of Google's and may not ask {address}:{port} for it"
                remedy = f"Let {address}/32 through at port {port}."
                yield told("policy-metadata", pod, what, remedy, str(port))


def roles(view: View) -> Iterator[Finding]:
    """Web's server reaches the api, tests reach every service, and routes the public ones."""
    serving = {item.name: item for item in view.serving}
    for pod in view.manifest.pods:
        callers = ["api"] if pod.role == "web" else list(serving) if _is_test(pod) else []
        for name in callers:
            if name in serving and _by_service(pod, serving[name]):
                yield from _reaches(view, pod, serving[name])
    for hosted in serving.values():
        policies = of(view, hosted.pod, "Ingress")
        public = _is_public(view, hosted)
        if public and not (_outside(policies, hosted) or _from_somewhere(policies)):
            what = f"has a public name, and nobody may reach port {hosted.role.port}"
            remedy = "Let the port in from networkPolicy.ingressFrom, or from everybody."
            yield told("role-blocked", hosted.pod, what, remedy, "ingress")
        if not public and policies.isolated and _outside(policies, hosted):
            what = "has no public name, and everybody may reach it"
            remedy = "Let in web and the tests alone."
            yield told("role-open", hosted.pod, what, remedy, "ingress")


def _is_test(pod: Pod) -> bool:
    return "test" in pod.object.hooks


def _by_service(pod: Pod, callee: Hosted) -> bool:
    """Whether a pod calls a role inside the cluster; web may be told of another address."""
    if pod.role != "web":
        return True
    values = (item.get("value") for container in pod.containers for item in container.env)
    return any(f"//{callee.pod.object.name}:" in str(value) for value in values)


def _reaches(view: View, caller: Pod, callee: Hosted) -> Iterator[Finding]:
    port = callee.role.port or 0
    if not of(view, caller, "Egress").lets(port, peer=callee.pod):
        what = f"may not reach {callee.name} at port {port}"
        yield told("role-blocked", caller, what, "Let the port out.", callee.name)
    if not of(view, callee.pod, "Ingress").lets(port, peer=caller):
        what = f"does not let {caller.role or caller.object.name} in at port {port}"
        yield told("role-blocked", callee.pod, what, "Let the port in.", caller.role)


def _is_public(view: View, hosted: Hosted) -> bool:
    """Whether a role has a public name; the way in may be one that the chart does not make."""
    named = hosted.role.exposure == "optional" and hosted.name in view.settings.hosts
    return hosted.role.exposure == "public" or named


def _outside(policies: Policies, hosted: Hosted) -> bool:
    return policies.lets(hosted.role.port or 0)


def _from_somewhere(policies: Policies) -> bool:
    """Whether the operator lets somebody in: a gateway's namespace, a range of addresses."""
    return any(
        "namespaceSelector" in item for rule in policies.rules for item in rule.get("from") or ()
    )


RULES: tuple[Rule, ...] = (
    isolation,
    openings,
    dangling,
    names,
    stores,
    elsewhere,
    metadata,
    roles,
)
