"""Who may do what: the identities of roles, what they may read and write, and CI's trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright.checks.clouds.aws_view import View, block, statements
from hostwright.render.clouds.aws import addressed, secret_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hostwright.checks.clouds.aws_view import Rule, Statement, Task
    from hostwright.checks.finding import Finding
    from hostwright.terraform.plan import Resource

CHECKS = {
    "identity-missing": "every role has an identity to start with and one to run as",
    "identity-shared": "every role runs as an identity of its own",
    "secret-grant-missing": "a role may read every secret that it is given",
    "secret-grant-extra": "nobody else may read a secret",
    "secret-written-by-role": "roles read secrets and write none",
    "secret-reference-refused": "references to secrets are ones that ECS can read",
    "secret-not-made": "what a container refers to is written before it starts",
    "storage-not-granted": "who has the bucket may use it",
    "storage-grant-extra": "nobody else may use the bucket",
    "grant-too-wide": "rights are granted on one thing, and no more of them than are used",
    "grant-unknown": "rights are ones that AWS knows",
    "trust-too-wide": "an identity is only for the service that it was made for",
    "ci-trust-too-wide": "CI is trusted by repository and environment",
    "pass-role-unbound": "CI hands roles to tasks alone",
    "static-key": "no key is made that could leak",
    "starts-before-grant": "nothing is started before its secrets can be read",
}

#: Actions that know no resource: they are granted on all or not at all.
UNSCOPED = frozenset(
    {
        "ecr:GetAuthorizationToken",
        "ecs:DescribeTaskDefinition",
        "ecs:ListTaskDefinitions",
        "ecs:RegisterTaskDefinition",
    }
)
#: Names of calls that people take for actions.
NO_ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "secretsmanager:ReadSecretValue": "secretsmanager:GetSecretValue",
}
#: What reading a secret needs at most.
READING = frozenset(
    {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "ssm:GetParameters"}
)
OBJECTS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
_REFERENCE_PARTS = {7, 10}


def identities(view: View) -> Iterator[Finding]:
    """A pair of roles for each task, and none of them twice."""
    users: dict[str, list[tuple[str, str]]] = {}
    for task in view.tasks:
        for argument, what in (("execution_role_arn", "starts"), ("task_role_arn", "runs")):
            reference = task.definition.get(argument)
            if not reference:
                yield view.finding(
                    "identity-missing",
                    task.definition,
                    f"{what} as nobody: {argument} is not set",
                    f"Give it a role of its own in identities.tf as {argument}.",
                    role=task.name,
                    variable=argument,
                )
                continue
            address = addressed(reference) or str(reference)
            users.setdefault(address, []).append((task.name, argument))
    for task in view.tasks:
        yield from _shared(view, task, users)


def _shared(
    view: View, task: Task, users: Mapping[str, list[tuple[str, str]]]
) -> Iterator[Finding]:
    for address, uses in users.items():
        mine = [argument for name, argument in uses if name == task.name]
        others = sorted({name for name, _ in uses if name != task.name})
        if mine and len(uses) > 1:
            also = f"which {', '.join(others)} has, too" if others else "both to start and to run"
            yield view.finding(
                "identity-shared",
                task.definition,
                f"is {address}, {also}",
                "Make one role for each role of the contract, and for starting and running.",
                role=task.name,
                variable=mine[0],
            )


# --- secrets -----------------------------------------------------------------------------------


def references(view: View) -> Iterator[Finding]:
    """References that ECS can read: an ARN, and behind it all three colons or none."""
    for task in view.tasks:
        for name, reference in task.secrets.items():
            bare = addressed(reference)
            parts = reference.split(":")
            if bare or (parts[2:3] == ["ssm"]) or _is_reference(reference, len(parts)):
                continue
            yield view.finding(
                "secret-reference-refused",
                task.definition,
                f"is taken from {reference}, which ECS does not read",
                "Write the secret's ARN, or ARN:key:: with all three colons behind it.",
                role=task.name,
                variable=name,
            )


def _is_reference(reference: str, parts: int) -> bool:
    if reference.startswith("${"):
        tail = reference.rpartition("}")[2]
        return tail.count(":") in {0, 3}
    return reference.startswith("arn:") and parts in _REFERENCE_PARTS


def secrets_read(view: View) -> Iterator[Finding]:
    """The execution role fetches what the container gets: that, and nothing else."""
    for task in view.tasks:
        starts = view.iam_role(task.definition.get("execution_role_arn"))
        runs = view.iam_role(task.definition.get("task_role_arn"))
        wanted = {secret_of(reference): name for name, reference in task.secrets.items()}
        if task.container.get("repositoryCredentials"):
            wanted[secret_of(task.login)] = "registry_password"
        allowed, while_running = view.readable(starts), view.readable(runs)
        for secret, name in wanted.items():
            if not allowed & {secret, "*"}:
                yield _not_readable(view, task, name, by_task=secret in while_running)
        yield from _undecryptable(view, task, starts, wanted)
        for secret in sorted(allowed - wanted.keys() - {"*"}):
            yield _readable(view, starts, task.name, secret, "its execution role")


def _not_readable(view: View, task: Task, name: str, *, by_task: bool) -> Finding:
    only = "; the task role may, but it is asked for nothing before the start" if by_task else ""
    return view.finding(
        "secret-grant-missing",
        task.definition,
        f"cannot be fetched: ECS fetches it with the execution role, which may not read it{only}",
        "Allow secretsmanager:GetSecretValue on its ARN to the role's execution role.",
        role=task.name,
        variable=name,
    )


def _undecryptable(
    view: View, task: Task, starts: Resource | None, wanted: dict[str, str]
) -> Iterator[Finding]:
    """Secrets under a key of the stack's that the execution role may not use."""
    keys = {
        resource
        for statement in view.grants(starts)
        if statement.permits("kms:Decrypt")
        for resource in map(secret_of, statement.resources)
    }
    for secret, name in wanted.items():
        made = view.named(f"${{{secret}.arn}}")
        key = addressed(made.get("kms_key_id")) if made else ""
        if key and not keys & {key, "*"}:
            yield view.finding(
                "secret-grant-missing",
                task.definition,
                f"cannot be decrypted: the execution role may not use {key}",
                "Allow kms:Decrypt on the key to the role's execution role.",
                role=task.name,
                variable=name,
            )


def _readable(view: View, role: Resource | None, name: str, secret: str, who: str) -> Finding:
    return view.finding(
        "secret-grant-extra",
        role or "aws_iam_role",
        f"{who} may read {secret}, which {name} is not given",
        "Grant each secret to the roles whose container gets it, and to no other.",
        role=name,
        variable=view.variable_of(secret),
    )


def keys_read(view: View) -> Iterator[Finding]:
    """While it runs, a role reads what its variables name: the signing keys, or nothing."""
    names = {
        str(item.get("name")): item.address
        for item in view.plan.of_type("aws_secretsmanager_secret")
    }
    for task in view.tasks:
        runs = view.iam_role(task.definition.get("task_role_arn"))
        told = {
            secret: name
            for name, text in task.plain.items()
            if (secret := names.get(text) or _secret_in(text))
        }
        allowed = view.readable(runs)
        for secret, name in told.items():
            if not allowed & {secret, "*"}:
                yield view.finding(
                    "secret-grant-missing",
                    task.definition,
                    f"names {secret}, which the task role may not read",
                    "Allow secretsmanager:GetSecretValue on it to the role's task role.",
                    role=task.name,
                    variable=name,
                )
        for secret in sorted(allowed - told.keys() - {"*"}):
            yield _readable(view, runs, task.name, secret, "its task role")


def _secret_in(text: str) -> str:
    address = addressed(text)
    return address if address.startswith("aws_secretsmanager_secret.") else ""


def secrets_written(view: View) -> Iterator[Finding]:
    """No role may change a secret: what it was given is what the next one starts with."""
    for task in view.tasks:
        for argument in ("execution_role_arn", "task_role_arn"):
            for statement in view.grants(view.iam_role(task.definition.get(argument))):
                more = [
                    action
                    for action in statement.actions
                    if action.startswith("secretsmanager:") and action not in READING
                ]
                if statement.allows and more:
                    yield view.finding(
                        "secret-written-by-role",
                        statement.policy,
                        f"may {', '.join(more)}",
                        "Leave secretsmanager:GetSecretValue alone.",
                        role=task.name,
                    )


def secrets_made(view: View) -> Iterator[Finding]:
    """A secret without a text keeps the task from starting."""
    written = {
        addressed(item.get("secret_id"))
        for item in view.plan.of_type("aws_secretsmanager_secret_version")
    }
    for task in view.tasks:
        for name, reference in task.secrets.items():
            secret = secret_of(reference)
            if secret.startswith("aws_secretsmanager_secret.") and secret not in written:
                yield view.finding(
                    "secret-not-made",
                    task.definition,
                    f"refers to {secret}, into which nothing is written: no task starts",
                    "Write it with an aws_secretsmanager_secret_version.",
                    role=task.name,
                    variable=name,
                )


def order(view: View) -> Iterator[Finding]:
    """A service that starts too early gives up, and is not tried again."""
    for task, service in view.running:
        waits = view.waits_for(service)
        starts = view.iam_role(task.definition.get("execution_role_arn"))
        wanted = {
            block(policy.address)
            for policy in view.plan.of_type("aws_iam_role_policy")
            if starts and view.iam_role(policy.get("role")) == starts
        }
        wanted |= {
            block(version.address)
            for version in view.plan.of_type("aws_secretsmanager_secret_version")
            if addressed(version.get("secret_id")) in map(secret_of, task.secrets.values())
        }
        for missing in sorted(wanted - waits):
            yield view.finding(
                "starts-before-grant",
                service,
                f"does not wait for {missing}: its first tasks may find no secret",
                f"Add {missing} to depends_on of the service.",
                role=task.name,
            )


# --- storage -----------------------------------------------------------------------------------


def storage(view: View) -> Iterator[Finding]:
    """The bucket is for the roles that are told its name."""
    names = {str(item.get("bucket")): item.address for item in view.plan.of_type("aws_s3_bucket")}
    for task in view.tasks:
        told = {
            bucket: name
            for name, text in task.plain.items()
            if (bucket := names.get(text) or _bucket_in(text))
        }
        grants = view.grants(view.iam_role(task.definition.get("task_role_arn")))
        for bucket, name in told.items():
            arn = f"${{{bucket}.arn}}"
            yield from _lacking(view, task, name, grants, ("s3:ListBucket",), arn)
            yield from _lacking(view, task, name, grants, OBJECTS, f"{arn}/*")
        extra = {
            resource
            for statement in grants
            if statement.allows and any(action.startswith("s3:") for action in statement.actions)
            for resource in statement.resources
            if addressed(resource.removesuffix("/*")) not in told and resource != "*"
        }
        for resource in sorted(extra):
            yield view.finding(
                "storage-grant-extra",
                task.definition,
                f"may use {resource}, which it is not told of",
                "Grant the bucket to the roles that have its name, and to no other.",
                role=task.name,
            )


def _bucket_in(text: str) -> str:
    address = addressed(text)
    return address if address.startswith("aws_s3_bucket.") else ""


def _lacking(  # noqa: PLR0913, PLR0917 - what, for whom, on what
    view: View,
    task: Task,
    name: str,
    grants: tuple[Statement, ...],
    actions: tuple[str, ...],
    resource: str,
) -> Iterator[Finding]:
    lacking = [
        action
        for action in actions
        if not any(each.permits(action) and {resource, "*"} & {*each.resources} for each in grants)
    ]
    if lacking:
        yield view.finding(
            "storage-not-granted",
            task.definition,
            f"names a bucket, but the task role may not {', '.join(lacking)} on {resource}",
            "Allow it: s3:ListBucket is on the bucket, the rest on its objects (ARN/*).",
            role=task.name,
            variable=name,
        )


# --- how wide ----------------------------------------------------------------------------------


def width(view: View) -> Iterator[Finding]:
    """Rights on everything, rights to everything, and rights that somebody else wrote."""
    for policy in view.plan.of_type("aws_iam_role_policy", "aws_iam_policy"):
        role = _role_name(view, policy)
        for statement in statements(policy, "policy"):
            for what in _too_wide(statement):
                yield view.finding(
                    "grant-too-wide",
                    policy,
                    f"allows {what}",
                    "Name the actions that are used, and the ARNs that they are used on.",
                    role=role,
                )
            for action in statement.actions:
                if action in NO_ACTIONS:
                    yield view.finding(
                        "grant-unknown",
                        policy,
                        f"allows {action}, which is a call and no action: it grants nothing",
                        f"Write {NO_ACTIONS[action]}.",
                        role=role,
                    )
    attached = "aws_iam_role_policy_attachment", "aws_iam_role_policy_attachments_exclusive"
    for item in view.plan.of_type(*attached):
        yield view.finding(
            "grant-too-wide",
            item,
            f"attaches {item.get('policy_arn')}, whose rights are somebody else's to widen",
            "Write the few rights that are used as a policy of the role's own.",
            role=_role_name(view, item),
        )


def _role_name(view: View, policy: Resource) -> str:
    found = view.iam_role(policy.get("role"))
    return str(((found.get("tags") if found else None) or {}).get("role") or "")


def _too_wide(statement: Statement) -> Iterator[str]:
    if not statement.allows:
        return
    for action in statement.actions:
        if "*" in action:
            yield f"{action}, which is more than is used"
        elif "*" in statement.resources and action not in UNSCOPED:
            yield f"{action} on everything in the account"
    for resource in statement.resources:
        if resource.endswith((":secret:*", ":parameter/*", ":::*", ":role/*")):
            yield f"{', '.join(statement.actions)} on {resource}"


def trust(view: View) -> Iterator[Finding]:
    """The identities of tasks are for tasks of this account alone."""
    for task in view.tasks:
        for argument in ("execution_role_arn", "task_role_arn"):
            role = view.iam_role(task.definition.get(argument))
            if role is None:
                continue
            for statement in statements(role, "assume_role_policy"):
                others = {
                    name
                    for names in statement.principals.values()
                    for name in names
                    if name != "ecs-tasks.amazonaws.com"
                }
                if others or not statement.condition("aws:SourceAccount"):
                    who = ", ".join(sorted(others)) or "tasks of any account"
                    yield view.finding(
                        "trust-too-wide",
                        role,
                        f"may be taken on by {who}",
                        "Trust ecs-tasks.amazonaws.com, under the condition aws:SourceAccount.",
                        role=task.name,
                    )


def ci(view: View) -> Iterator[Finding]:
    """CI logs in by repository and environment, and hands on roles to tasks alone."""
    repository = view.given("github_subject") or f"repo:{view.given('github_repository')}"
    subject = f"{repository}:environment:{view.given('github_environment') or 'production'}"
    for role in view.plan.of_type("aws_iam_role"):
        for statement in statements(role, "assume_role_policy"):
            if "Federated" not in statement.principals:
                continue
            for key, wanted in (("sub", subject), ("aud", "sts.amazonaws.com")):
                name = f"token.actions.githubusercontent.com:{key}"
                exact = statement.conditions.get("StringEquals", {}).get(name, ())
                if exact != (wanted,):
                    yield view.finding(
                        "ci-trust-too-wide",
                        role,
                        f"is trusted without {name} being {wanted}",
                        f"Demand it with StringEquals: a pattern lets in more than {wanted}.",
                        variable="github_repository",
                    )
        for statement in view.grants(role):
            if not statement.permits("iam:PassRole"):
                continue
            if statement.condition("iam:PassedToService") != ("ecs-tasks.amazonaws.com",):
                yield view.finding(
                    "pass-role-unbound",
                    statement.policy,
                    "may hand roles to any service",
                    "Demand iam:PassedToService to be ecs-tasks.amazonaws.com.",
                )


def keys_made(view: View) -> Iterator[Finding]:
    """Users and access keys of the stack's."""
    for item in view.plan.of_type("aws_iam_access_key", "aws_iam_user"):
        yield view.finding(
            "static-key",
            item,
            "makes a login that does not expire",
            "Let tasks use their roles, and CI its OIDC token.",
        )


RULES: tuple[Rule, ...] = (
    identities,
    references,
    secrets_read,
    keys_read,
    secrets_written,
    secrets_made,
    order,
    storage,
    width,
    trust,
    ci,
    keys_made,
)
