"""Who may do what on Azure: single secrets to single roles, deploys to one GitHub environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.checks.clouds.azure_planned import ASSIGNMENT, IDENTITY, block
from hostwright.render.clouds.azure import COMPUTE, role_of, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.checks.clouds.azure_planned import Planned, Rule
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "grant-missing": "a role may read what it gets, and use what it is told of",
    "grant-extra": "no role may read what it does not get",
    "grant-too-wide": "rights of roles are to single things",
    "grant-after-app": "rights are given before an app needs them",
    "ci-subject": "CI's token is of one repository and one environment",
    "ci-too-wide": "CI may deploy, and nothing else",
}
READ_SECRET = "Key Vault Secrets User"  # noqa: S105 - a role's name
USE_OBJECTS = "Storage Blob Data Contributor"
SIGN_ADDRESSES = "Storage Blob Delegator"
#: What a role's identity may be given, and on what type of thing.
ALLOWED = {
    READ_SECRET: "azurerm_key_vault_secret",
    USE_OBJECTS: "azurerm_storage_container",
    SIGN_ADDRESSES: "azurerm_storage_account",
}
#: What CI may have rights on.
DEPLOYED = (*COMPUTE, "azurerm_container_app_environment", IDENTITY)
ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"
#: Parts of actions that go beyond deploying.
FORBIDDEN_ACTIONS = ("*", "listsecrets", "microsoft.authorization", "microsoft.keyvault", "/delete")

_STORAGE = "AZURE_BLOB_CONTAINER"
_SIGNING = "AUTH_KEY_SECRET_NAME"


@dataclass(frozen=True)
class Grant:
    """One right of one role: to the resource with this address."""

    assignment: Resource
    role: str
    right: str
    scope: str
    to: Resource | None


def grants(planned: Planned) -> tuple[Grant, ...]:
    """Every right that an identity of a role is given."""
    found = []
    for assignment in planned.plan.of_type(ASSIGNMENT):
        scope = str(assignment.get("scope"))
        found += [
            Grant(
                assignment,
                role,
                str(assignment.get("role_definition_name")),
                scope,
                planned.named(scope),
            )
            for role in _holders(planned, assignment)
        ]
    return tuple(found)


def _holders(planned: Planned, assignment: Resource) -> list[str]:
    """The roles that run as the identity which an assignment is of."""
    identity = planned.named(assignment.get("principal_id"))
    return [
        role_of(resource)
        for resource in planned.compute
        if identity is not None and _identity(identity) in _held(resource)
    ]


def _identity(identity: Resource) -> str:
    return f"${{{identity.address}.id}}"


def _held(resource: Resource) -> list[str]:
    return [str(item) for item in resource.get("identity.0.identity_ids") or []]


def _needed(planned: Planned) -> Iterator[tuple[Resource, str, Resource, str]]:
    """App or job, the right that it needs, what to, and the variable that it is needed for."""
    for resource in planned.compute:
        for name, secret in secrets_of(resource).items():
            made = planned.named(secret.get("key_vault_secret_id"))
            if made is not None:
                yield resource, READ_SECRET, made, _variable(made, name)
        names = _variables(resource)
        for signing in _signing(planned) if _SIGNING in names else ():
            yield resource, READ_SECRET, signing, _SIGNING
        for container in planned.plan.of_type("azurerm_storage_container"):
            if _STORAGE in names:
                yield resource, USE_OBJECTS, container, _STORAGE


def _variables(resource: Resource) -> set[str]:
    found = resource.get("template.0.container.0.env") or []
    return {str(item.get("name")) for item in found}


def _variable(secret: Resource, name: str) -> str:
    return str(secret.index) if isinstance(secret.index, str) else name


def _signing(planned: Planned) -> list[Resource]:
    """The secret that the application itself reads its signing keys from."""
    name = planned.input("auth_key_secret_name")
    return [
        item
        for item in planned.plan.of_type("azurerm_key_vault_secret")
        if item.get("name") == name
    ]


def missing(planned: Planned) -> Iterator[Finding]:
    """Every role may read the secrets that it gets, and use the container that it is told of."""
    given = {(item.role, item.right, item.to.address) for item in grants(planned) if item.to}
    for resource, right, to, variable in _needed(planned):
        if (role_of(resource), right, to.address) not in given:
            yield planned.finding(
                "grant-missing",
                resource.address,
                f"its identity is not {right} of {to.address}: it cannot start, or not work",
                f"Add an {ASSIGNMENT} for it in identities.tf.",
                role_of(resource),
                variable,
            )


def extra(planned: Planned) -> Iterator[Finding]:
    """No role has a right to a secret or container that it has no use for."""
    needed = {(role_of(app), right, to.address) for app, right, to, _ in _needed(planned)}
    users = {role for role, right, _ in needed if right == USE_OBJECTS}
    for grant in grants(planned):
        signs = grant.right == SIGN_ADDRESSES and grant.role in users
        if not grant.to or signs or (grant.role, grant.right, grant.to.address) in needed:
            continue
        if grant.right in ALLOWED and grant.to.type == ALLOWED[grant.right]:
            yield planned.finding(
                "grant-extra",
                grant.assignment.address,
                f"is {grant.right} of {grant.to.address}, which it does not get",
                "Give it to exactly the roles in local.made_for (or local.signers, local.storers).",
                grant.role,
                _variable(grant.to, grant.to.address),
            )


def wide(planned: Planned) -> Iterator[Finding]:
    """Rights of roles are to one secret, one container, or to sign addresses."""
    for grant in grants(planned):
        to = grant.to.type if grant.to else ""
        if ALLOWED.get(grant.right) != to:
            yield planned.finding(
                "grant-too-wide",
                grant.assignment.address,
                f"is {grant.right} of {grant.to.address if grant.to else grant.scope}: more than "
                "one secret or one container",
                f"Give {READ_SECRET} on a secret's resource_versionless_id, {USE_OBJECTS} on the "
                "container.",
                grant.role,
            )


def order(planned: Planned) -> Iterator[Finding]:
    """Apps and jobs wait for the rights of their identities."""
    given = grants(planned)
    for resource in planned.compute:
        role, waits = role_of(resource), planned.waits_for(resource)
        needed = {block(item.assignment.address) for item in given if item.role == role}
        for address in sorted(needed - waits):
            yield planned.finding(
                "grant-after-app",
                resource.address,
                f"does not wait for {address}: it may come first, and is refused",
                f"Add {address} to its depends_on.",
                role,
            )


def subject(planned: Planned) -> Iterator[Finding]:
    """The trust of CI names GitHub, Azure's audience, the repository and the environment."""
    repository = planned.input("github_subject") or f"repo:{planned.input('github_repository')}"
    wanted = f"{repository}:environment:{planned.input('github_environment')}"
    for trust in planned.plan.of_type("azurerm_federated_identity_credential"):
        has = (trust.get("issuer"), trust.get("audience"), trust.get("subject"))
        if has != (ISSUER, [AUDIENCE], wanted):
            yield planned.finding(
                "ci-subject",
                trust.address,
                f"trusts {trust.get('subject')} of {trust.get('issuer')} for "
                f"{trust.get('audience')}, not exactly {wanted}",
                "Bind it to github_repository and github_environment.",
                "",
                "github_repository",
            )


def deployers(planned: Planned) -> Iterator[Finding]:
    """CI has a role of this stack's own, on single things; none that reads secrets."""
    trusted = {
        item.get("user_assigned_identity_id")
        for item in planned.plan.of_type("azurerm_federated_identity_credential")
    }
    for assignment in planned.plan.of_type(ASSIGNMENT):
        identity = planned.named(assignment.get("principal_id"))
        if identity is None or _identity(identity) not in trusted:
            continue
        told = _deployer_fault(planned, assignment)
        if told:
            yield planned.finding(
                "ci-too-wide",
                assignment.address,
                f"lets CI {told}",
                "Give azurerm_role_definition.deploy on the apps, the job, their identities and "
                "the environment.",
                "",
                "github_repository",
            )


def _deployer_fault(planned: Planned, assignment: Resource) -> str:
    definition = planned.named(assignment.get("role_definition_id"))
    if definition is None or definition.type != "azurerm_role_definition":
        return f"be {assignment.get('role_definition_name') or 'what another role says'}"
    to = planned.named(assignment.get("scope"))
    if to is None or to.type not in DEPLOYED:
        return f"act on the whole of {to.address if to else assignment.get('scope')}"
    actions = [
        str(action)
        for permission in definition.get("permissions") or []
        for kind in ("actions", "data_actions")
        for action in permission.get(kind) or []
    ]
    bad = [
        action for action in actions if any(part in action.lower() for part in FORBIDDEN_ACTIONS)
    ]
    return f"do {', '.join(bad)}" if bad else ""


RULES: tuple[Rule, ...] = (missing, extra, wide, order, subject, deployers)
