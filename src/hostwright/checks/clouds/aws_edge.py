"""Who reaches whom: the load balancer, the network's rules and ways out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.clouds.aws_view import View, block
from hostwright.checks.clouds.musts import Must, musts
from hostwright.render.clouds.aws import addressed, role_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.aws_view import Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "edge-plain-http": "plain HTTP is redirected",
    "edge-old-tls": "TLS is 1.2 at least",
    "edge-without-certificate": "every public name has a certificate",
    "edge-open-default": "whoever asks for another host is told nothing",
    "edge-role-unserved": "every public role is reached by its name",
    "edge-smuggling": "headers that servers read in different ways are dropped",
    "edge-drain": "requests in flight end before their task does",
    "edge-unlogged": "requests are logged",
    "exposure-differs": "public is what the contract says, and nothing else",
    "port-open": "nothing but the load balancer is reached from outside",
    "web-reaches-stores": "a role that is given no store does not reach it",
    "store-unreachable": "a role reaches the stores that it is given",
    "role-unreachable": "the load balancer and web reach the roles behind them",
    "subnet-overlap": "no two subnets have the same addresses",
    "zone-alone": "what must outlive a zone is in two",
    "endpoint-closed": "AWS's own services are reached from inside",
}

#: From this on, TLS 1.2 is the least.
POLICIES = ("ELBSecurityPolicy-TLS13-1-2-", "ELBSecurityPolicy-TLS13-1-3-")
PUBLIC_PORTS = {80, 443}
ANYBODY = ("0.0.0.0/0", "::/0")
#: Whoever has this variable has business with that store's security group.
STORES = {
    "DATABASE_URL": ("aws_db_instance", "vpc_security_group_ids"),
    "REDIS_URL": ("aws_elasticache_replication_group", "security_group_ids"),
}

TABLE = (
    Must(
        "edge-smuggling",
        "aws_lb",
        "drop_invalid_header_fields",
        (True,),
        "it passes them on",
        "Set drop_invalid_header_fields = true.",
    ),
    Must(
        "store-unprotected",
        "aws_lb",
        "enable_deletion_protection",
        (True,),
        "one plan removes the address that names lead to",
        "Set enable_deletion_protection = local.protected.",
        production=True,
    ),
    Must(
        "edge-unlogged",
        "aws_lb",
        "access_logs.0.enabled",
        (True,),
        "nobody can tell afterwards who asked for what",
        "Add the block access_logs.",
    ),
)


def table(view: View) -> Iterator[Finding]:
    """Single attributes."""
    return musts(view, TABLE)


# --- the load balancer -------------------------------------------------------------------------


def listeners(view: View) -> Iterator[Finding]:
    """One that redirects, one that speaks TLS and says nothing to strangers."""
    for item in view.plan.of_type("aws_lb_listener"):
        action = item.get("default_action.0") or {}
        if item.get("protocol") == "HTTP":
            redirect = (action.get("redirect") or [{}])[0]
            if action.get("type") != "redirect" or redirect.get("protocol") != "HTTPS":
                yield view.finding(
                    "edge-plain-http",
                    item,
                    "answers without TLS, instead of redirecting",
                    "Let its default action redirect to HTTPS.",
                    variable="default_action",
                )
            continue
        policy = str(item.get("ssl_policy") or "")
        if item.decides("ssl_policy") or not policy.startswith(POLICIES):
            named = "the default of 2016" if item.decides("ssl_policy") or not policy else policy
            yield view.finding(
                "edge-old-tls",
                item,
                f"has the TLS policy {named}, which lets old versions in",
                'Set ssl_policy = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09".',
                variable="ssl_policy",
            )
        if action.get("type") not in {"fixed-response", "redirect"}:
            yield view.finding(
                "edge-open-default",
                item,
                "passes requests for any host on to a role",
                "Answer 404 by default; rules lead known hosts to their roles.",
                variable="default_action",
            )
        yield from _certificate(view, item)


def _certificate(view: View, item: Resource) -> Iterator[Finding]:
    certificate = view.named(item.get("certificate_arn"))
    waits = view.refers(item, "certificate_arn")
    if not any(each.startswith("aws_acm_certificate_validation.") for each in waits):
        yield view.finding(
            "edge-without-certificate",
            item,
            "takes the certificate before it is issued: the first apply fails",
            "Take certificate_arn from aws_acm_certificate_validation.",
            variable="certificate_arn",
        )
    more = (certificate.get("subject_alternative_names") if certificate else None) or ()
    names = {str(certificate.get("domain_name") if certificate else ""), *map(str, more)}
    for name, host in _hosts(view).items():
        if host not in names:
            yield view.finding(
                "edge-without-certificate",
                certificate or item,
                f"does not have the name {host}",
                "Name every public host in the certificate.",
                role=name,
                variable=f"{'app' if name == 'web' else name}_domain",
            )


def _hosts(view: View) -> dict[str, str]:
    """Public role to its host name."""
    given = {"web": view.given("app_domain"), "api": view.given("api_domain")}
    return {name: str(host) for name, host in given.items() if host and name in view.contract.roles}


def routes(view: View) -> Iterator[Finding]:
    """Each public role by its own name, and no other role."""
    served: dict[str, set[str]] = {}
    for rule in view.plan.of_type("aws_lb_listener_rule"):
        group = view.target_groups.get(addressed(rule.get("action.0.target_group_arn")))
        hosts = {
            str(value)
            for condition in rule.get("condition") or ()
            for header in condition.get("host_header") or ()
            for value in header.get("values") or ()
        }
        for name in _behind(view, group):
            served.setdefault(name, set()).update(hosts or {"*"})
    wanted = _hosts(view)
    for name, host in wanted.items():
        if host not in served.get(name, set()):
            yield view.finding(
                "edge-role-unserved",
                view.services.get(name) or "aws_lb_listener_rule",
                f"is not reached by {host}",
                "Add a rule that forwards the host to the role's target group.",
                role=name,
                variable=f"{'app' if name == 'web' else name}_domain",
            )
    for name, hosts in served.items():
        for host in sorted(hosts - {wanted.get(name, "")}):
            yield view.finding(
                "exposure-differs",
                view.services.get(name) or "aws_lb_listener_rule",
                f"is reached from outside by {host}",
                "Remove the rule: only api and web are public, by their own names.",
                role=name,
            )


def _behind(view: View, group: Resource | None) -> Iterator[str]:
    for task, service in view.running:
        for balanced in service.get("load_balancer") or ():
            if group and addressed(balanced.get("target_group_arn")) == group.address:
                yield task.name


def targets(view: View) -> Iterator[Finding]:
    """The load balancer speaks to the contract's port, and lets requests end."""
    for task, service in view.running:
        for balanced in service.get("load_balancer") or ():
            group = view.target_groups.get(addressed(balanced.get("target_group_arn")))
            ports = {balanced.get("container_port"), *([group.get("port")] if group else [])}
            if ports != {task.role.port}:
                yield view.finding(
                    "port-differs",
                    service,
                    f"is sent requests at {', '.join(map(str, sorted(ports, key=str)))}",
                    f"Send them to {task.role.port}, the contract's port.",
                    role=task.name,
                    variable="PORT",
                )
            delay = int((group.get("deregistration_delay") if group else None) or 0)
            if group and delay < task.role.drain_seconds:
                yield view.finding(
                    "edge-drain",
                    group,
                    f"gives requests {delay} s to end, and the contract {task.role.drain_seconds}",
                    "Take deregistration_delay from drain_seconds.",
                    role=task.name,
                    variable="deregistration_delay",
                )


# --- who may speak to whom -----------------------------------------------------------------------


def open_ports(view: View) -> Iterator[Finding]:
    """From outside, the load balancer's two ports and nothing else."""
    balancers = {
        addressed(group)
        for item in view.plan.of_type("aws_lb")
        for group in item.get("security_groups") or ()
    }
    for rule in view.plan.of_type("aws_vpc_security_group_ingress_rule"):
        source = str(rule.get("cidr_ipv4") or rule.get("cidr_ipv6") or "")
        edge = addressed(rule.get("security_group_id")) in balancers
        ports = {rule.get("from_port"), rule.get("to_port")}
        if source in ANYBODY and not (edge and ports <= PUBLIC_PORTS):
            yield _open(view, rule, f"lets everybody in at {_ports(rule)}")
    for group in view.plan.of_type("aws_security_group"):
        for rule in group.get("ingress") or ():
            if isinstance(rule, dict) and set(rule.get("cidr_blocks") or ()) & {*ANYBODY}:
                yield _open(view, group, f"lets everybody in at {rule.get('from_port')}")


def _open(view: View, at: Resource, message: str) -> Finding:
    return view.finding(
        "port-open",
        at,
        message,
        "Let in the security group of whoever has business there.",
        variable="cidr_ipv4",
    )


def _ports(rule: Resource) -> str:
    first, last = rule.get("from_port"), rule.get("to_port")
    if first is None:
        return "every port"
    return str(first) if first == last else f"{first} to {last}"


def _reaches(view: View, source: str, target: str, port: int | None) -> bool:
    """Whether a rule lets one security group speak to another at a port."""
    for rule in view.plan.of_type("aws_vpc_security_group_ingress_rule"):
        if addressed(rule.get("security_group_id")) != target:
            continue
        first, last = rule.get("from_port"), rule.get("to_port")
        # -1 is every protocol, on every port.
        covers = str(rule.get("ip_protocol")) == "-1" or (
            port is not None and first is not None and first <= port <= last
        )
        if covers and addressed(rule.get("referenced_security_group_id")) == source:
            return True
    return False


def _group_of(view: View, name: str) -> str:
    """The security group of a role; the job's tag names it, since it has no service."""
    service = view.services.get(name)
    if service:
        groups = service.get("network_configuration.0.security_groups") or [""]
        return addressed(groups[0])
    for task in view.tasks:
        if task.name == name:
            return addressed((task.definition.get("tags") or {}).get("security_group"))
    return ""


def stores(view: View) -> Iterator[Finding]:
    """Who has a store's address reaches it, and nobody else does."""
    for variable, (kind, argument) in STORES.items():
        store = view.only(kind)
        declared = view.contract.variables.get(variable)
        if store is None or declared is None:
            continue
        port = store.get("port") if isinstance(store.get("port"), int) else None
        groups = [addressed(each) for each in store.get(argument) or ()]
        for task in view.tasks:
            source = _group_of(view, task.name)
            reaches = any(_reaches(view, source, group, port) for group in groups)
            if variable in task.secrets and not reaches:
                yield view.finding(
                    "store-unreachable",
                    store,
                    f"lets {task.name} in at no rule, which is given {variable}",
                    "Add an ingress rule for the role's security group.",
                    role=task.name,
                    variable=variable,
                )
            if reaches and task.name not in declared.roles:
                yield view.finding(
                    "web-reaches-stores",
                    store,
                    f"lets {task.name} in, which is not given {variable}",
                    "Remove the ingress rule for the role's security group.",
                    role=task.name,
                    variable=variable,
                )


def roles_reached(view: View) -> Iterator[Finding]:
    """What sends requests to a role is let in by it, at its port."""
    balancer = view.only("aws_lb")
    edge = addressed((balancer.get("security_groups") or [""])[0]) if balancer else ""
    wanted = [(edge, name, "the load balancer") for name in _hosts(view) if edge]
    if {"api", "web"} <= view.services.keys():
        wanted.append((_group_of(view, "web"), "api", "web"))
    for source, name, who in wanted:
        role = next((task.role for task in view.tasks if task.name == name), None)
        if role and not _reaches(view, source, _group_of(view, name), role.port):
            yield view.finding(
                "role-unreachable",
                view.services.get(name) or "aws_ecs_service",
                f"does not let {who} in at {role.port}",
                "Add an ingress rule for its security group.",
                role=name,
            )


# --- the network -------------------------------------------------------------------------------


def subnets(view: View) -> Iterator[Finding]:
    """Two zones, and no address twice."""
    seen: dict[str, str] = {}
    for item in view.plan.of_type("aws_subnet"):
        cidr = str(item.get("cidr_block"))
        if cidr in seen:
            yield view.finding(
                "subnet-overlap",
                item,
                f"has the addresses {cidr}, which {seen[cidr]} has",
                "Give each subnet a number of its own in cidrsubnet.",
                variable="network_cidr",
            )
        seen.setdefault(cidr, item.address)
    for name in ("public", "private", "data"):
        count = sum(block(item.address) == f"aws_subnet.{name}" for item in _subnets(view))
        if count < 2:  # noqa: PLR2004 - two zones
            yield view.finding(
                "zone-alone",
                f"aws_subnet.{name}",
                f"is in {count} zone: load balancers and RDS refuse that, and it may fail",
                "Make one in each of two zones.",
                variable="zones",
            )
    if view.production and len(view.plan.of_type("aws_nat_gateway")) < 2:  # noqa: PLR2004 - zones
        yield view.finding(
            "zone-alone",
            "aws_nat_gateway.main",
            "is alone: its zone's failure cuts off both",
            "Make one for each zone in production.",
            variable="gateways",
        )


def _subnets(view: View) -> tuple[Resource, ...]:
    return view.plan.of_type("aws_subnet")


def ways_out(view: View) -> Iterator[Finding]:
    """Roles reach the world through NAT; stores do not reach it at all."""
    tables = {
        addressed(item.get("route_table_id")): item
        for item in view.plan.of_type("aws_route")
        if item.get("destination_cidr_block") == ANYBODY[0]
    }
    of_subnet = {
        addressed(item.get("subnet_id")): addressed(item.get("route_table_id"))
        for item in view.plan.of_type("aws_route_table_association")
    }
    for subnet in _subnets(view):
        route = tables.get(of_subnet.get(subnet.address, ""))
        kind = block(subnet.address)
        if kind == "aws_subnet.data" and route:
            yield view.finding(
                "store-public",
                subnet,
                "has a way out, which no store needs",
                "Remove the route of its table.",
            )
        if kind == "aws_subnet.private" and not (route and route.get("nat_gateway_id")):
            yield view.finding(
                "no-way-out",
                subnet,
                "has no way out: roles reach no secrets provider, no mail, no registry",
                "Route 0.0.0.0/0 to a NAT gateway.",
            )
    for name in view.services:
        rules = view.plan.of_type("aws_vpc_security_group_egress_rule")
        group = _group_of(view, name)
        if not any(addressed(rule.get("security_group_id")) == group for rule in rules):
            yield view.finding(
                "no-way-out",
                view.services[name],
                "has a security group that lets nothing out",
                "Add an egress rule.",
                role=name,
            )


def endpoints(view: View) -> Iterator[Finding]:
    """Endpoints that answer to AWS's own names and let every role in."""
    for item in view.plan.of_type("aws_vpc_endpoint"):
        if item.get("vpc_endpoint_type") != "Interface":
            continue
        if item.get("private_dns_enabled") is not True:
            yield view.finding(
                "endpoint-closed",
                item,
                "does not answer to the service's own name: nobody goes there",
                "Set private_dns_enabled = true.",
                variable="private_dns_enabled",
            )
        groups = [addressed(each) for each in item.get("security_group_ids") or ()]
        for task in view.tasks:
            source = _group_of(view, task.name)
            if not any(_reaches(view, source, group, 443) for group in groups):
                yield view.finding(
                    "endpoint-closed",
                    item,
                    f"does not let {task.name} in: its tasks cannot start",
                    "Add an ingress rule for the role's security group.",
                    role=task.name,
                )


def edge_tags(view: View) -> Iterator[Finding]:
    """The job's definition says where it runs, since no service does."""
    for task in view.tasks:
        tags = task.definition.get("tags") or {}
        lacking = [key for key in ("cluster", "subnets", "security_group") if not tags.get(key)]
        if task.role.kind == "job" and lacking:
            yield view.finding(
                "role-kind-differs",
                task.definition,
                f"does not say where it runs: no tag {', '.join(lacking)}",
                "Tag it with cluster, subnets and security_group: `invoke aws.migrate` reads them.",
                role=role_of(task.definition),
                variable=lacking[0],
            )


RULES: tuple[Rule, ...] = (
    table,
    listeners,
    routes,
    targets,
    open_ports,
    stores,
    roles_reached,
    subnets,
    ways_out,
    endpoints,
    edge_tags,
)
