"""The way in, the way from web to the api, and what the project is left with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hostwright.checks.clouds.gcp_view import View, referred
from hostwright.checks.clouds.musts import Must, musts
from hostwright.render.clouds import gcp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.gcp_view import Rule
    from hostwright.checks.finding import Finding

CHECKS = {
    "edge-bypassed": "nothing is reached around the load balancer",
    "edge-plain-http": "plain HTTP is redirected",
    "edge-old-tls": "TLS is 1.2 at least",
    "edge-without-certificate": "every public name has a certificate",
    "edge-closed": "the services take the requests that the load balancer lets in",
    "api-unreachable": "web's server reaches the api where it is told to",
    "project-service-disabled": "destroying leaves the project's services on",
    "project-service-missing": "every service that is used is switched on",
    "logs-not-kept": "logs are kept as long as asked for",
}
#: Prefix of resource types to the service that they need.
SERVICES = {
    "google_artifact_registry_": "artifactregistry",
    "google_certificate_manager_": "certificatemanager",
    "google_cloud_run_v2_": "run",
    "google_compute_": "compute",
    "google_dns_": "dns",
    "google_iam_workload_identity_": "sts",
    "google_logging_": "logging",
    "google_redis_": "redis",
    "google_secret_manager_": "secretmanager",
    "google_service_account": "iam",
    "google_service_networking_": "servicenetworking",
    "google_sql_": "sqladmin",
    "google_storage_": "storage",
}
_OWN_ADDRESS = re.compile(r"https://[^/]+\.run\.app")
#: private.googleapis.com, the range that reaches Cloud Run from inside.
_PRIVATE = {f"199.36.153.{number}" for number in (8, 9, 10, 11)}

TABLE = (
    Must(
        "edge-old-tls",
        "google_compute_ssl_policy",
        "min_tls_version",
        ("TLS_1_2", "TLS_1_3"),
        "clients may speak TLS 1.0",
        'Set min_tls_version = "TLS_1_2".',
    ),
    Must(
        "edge-old-tls",
        "google_compute_ssl_policy",
        "profile",
        ("MODERN", "RESTRICTED", "FIPS_202205"),
        "weak ciphers are offered",
        'Set profile = "MODERN".',
    ),
    Must(
        "edge-closed",
        "google_cloud_run_v2_service",
        "invoker_iam_disabled",
        (True,),
        "requests without a Google identity get 403, and browsers have none",
        "Set invoker_iam_disabled = true: ingress decides who gets there.",
    ),
    Must(
        "project-service-disabled",
        "google_project_service",
        "disable_on_destroy",
        (False,),
        "destroying this stack switches it off for the whole project",
        "Set disable_on_destroy = false.",
    ),
)


def attributes(view: View) -> Iterator[Finding]:
    """Every row of the table."""
    yield from musts(view, TABLE)


def bypassed(view: View) -> Iterator[Finding]:
    """A service's own address has no TLS policy, no log and no name of ours."""
    for resource, name, _ in view.services:
        if resource.get("ingress") not in {
            "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
            "INGRESS_TRAFFIC_INTERNAL_ONLY",
        }:
            yield view.finding(
                "edge-bypassed",
                resource,
                f"takes requests around the load balancer: ingress is {resource.get('ingress')}",
                'Set ingress = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER".',
                role=name,
                variable="ingress",
            )


def redirect(view: View) -> Iterator[Finding]:
    """The proxy for plain HTTP leads to a map that only redirects."""
    maps = {item.address: item for item in view.plan.of_type("google_compute_url_map")}
    for proxy in view.plan.of_type("google_compute_target_http_proxy"):
        there = maps.get(referred(proxy.get("url_map")))
        if there is None or there.get("default_url_redirect.0.https_redirect") is not True:
            yield view.finding(
                "edge-plain-http",
                proxy,
                "serves plain HTTP: cookies and passwords travel readable",
                "Lead it to a url map whose default_url_redirect has https_redirect = true.",
                variable="url_map",
            )


def certificates(view: View) -> Iterator[Finding]:
    """Every host of the map has an entry with a certificate, under a policy of ours."""
    for proxy in view.plan.of_type("google_compute_target_https_proxy"):
        if not referred(proxy.get("ssl_policy")):
            yield view.finding(
                "edge-old-tls",
                proxy,
                "has no ssl_policy: Google's default still offers TLS 1.0",
                "Set ssl_policy = google_compute_ssl_policy.main[0].id.",
                variable="ssl_policy",
            )
    named = {
        str(item.get("hostname"))
        for item in view.plan.of_type("google_certificate_manager_certificate_map_entry")
    }
    for url_map in view.plan.of_type("google_compute_url_map"):
        hosts = {
            host for rule in url_map.get("host_rule") or [] for host in rule.get("hosts") or []
        }
        for host in sorted(hosts - named):
            yield view.finding(
                "edge-without-certificate",
                url_map,
                f"leads {host} to a service, but no certificate is for that name",
                "Add a google_certificate_manager_certificate_map_entry for it.",
                variable=host,
            )


def way_to_the_api(view: View) -> Iterator[Finding]:
    """The api's own address answers requests from the network alone; web must get into it."""
    for resource, name, _ in view.services:
        told = [block for block in gcp.env(resource) if block.get("name") == "API_BASE_URL"]
        inside = any(_OWN_ADDRESS.match(str(block.get("value"))) for block in told)
        if inside and not _leads_inside(view):
            yield view.finding(
                "api-unreachable",
                resource,
                "calls the api's own address over the internet, which the api's ingress refuses",
                "Add a private zone run.app on the network, leading to private.googleapis.com.",
                role=name,
                variable="API_BASE_URL",
            )


def _leads_inside(view: View) -> bool:
    zones = {
        item.address
        for item in view.plan.of_type("google_dns_managed_zone")
        if item.get("dns_name") == "run.app."
        and item.get("visibility") == "private"
        and item.get("private_visibility_config.0.networks")
    }
    return any(
        item.get("name") == "*.run.app." and {*(item.get("rrdatas") or [])} <= _PRIVATE
        for item in view.plan.of_type("google_dns_record_set")
    ) and bool(zones)


def project_services(view: View) -> Iterator[Finding]:
    """In a new project nothing is switched on."""
    there = {str(item.get("service")) for item in view.plan.of_type("google_project_service")}
    told: set[str] = set()
    for resource in view.plan.resources:
        for prefix, name in SERVICES.items():
            service = f"{name}.googleapis.com"
            if resource.type.startswith(prefix) and service not in there | told:
                told.add(service)
                yield view.finding(
                    "project-service-missing",
                    resource,
                    f"needs {service}, which nothing switches on",
                    f'Add "{service}" to google_project_service.required.',
                    variable=service,
                )


def logs(view: View) -> Iterator[Finding]:
    """A bucket of our own, with a sink that fills it."""
    wanted = view.given("log_retention_days")
    buckets = {
        item.address: item for item in view.plan.of_type("google_logging_project_bucket_config")
    }
    for resource in buckets.values():
        if resource.get("retention_days") != wanted:
            yield view.finding(
                "logs-not-kept",
                resource,
                f"keeps logs for {resource.get('retention_days')} days, {wanted} were asked for",
                "Set retention_days = var.log_retention_days.",
                variable="retention_days",
            )
    filled = " ".join(
        str(item.get("destination")) for item in view.plan.of_type("google_logging_project_sink")
    )
    if not any(address in filled for address in buckets):
        yield view.finding(
            "logs-not-kept",
            next(iter(buckets.values()), "output.env_names"),
            "no sink fills a log bucket whose retention is ours",
            "Lead a google_logging_project_sink to google_logging_project_bucket_config.logs.",
            variable="destination",
        )


RULES: tuple[Rule, ...] = (
    attributes,
    bypassed,
    redirect,
    certificates,
    way_to_the_api,
    project_services,
    logs,
)
