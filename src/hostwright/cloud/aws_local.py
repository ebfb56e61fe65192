"""Apply the AWS blueprint to an emulator of AWS on this machine, with the real provider.

What a schema cannot show, an apply can: that one run makes everything from nothing, that a second
finds nothing to change, that a new image changes two things and no more. What the emulator (moto)
lacks is left out by an override beside a copy of the blueprint, and told by name (:data:`LACKS`).
Where there is no real provider, nothing is run.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hostwright import paths, toolchain
from hostwright.cloud.aws import cluster
from hostwright.cloud.aws_emulator import CREDENTIALS, client, emulator
from hostwright.cloud.aws_operated import UNASKED, operated
from hostwright.cloud.model import Call, Where
from hostwright.contract.load import load
from hostwright.errors import ApplyError, CloudError, UserError
from hostwright.progress import Progress, step
from hostwright.render.clouds.aws import CLOUD
from hostwright.render.clouds.choices import PASSWORD, chosen
from hostwright.run import run
from hostwright.terraform import providers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hostwright.run import Completed
    from hostwright.terraform.providers import Local

Json = Any
#: Seconds for one command: the provider alone waits three minutes for a database to settle.
PATIENCE = 1200.0
#: Nothing that is not on this machine can be reached: a proxy that is not there.
NOWHERE = "http://127.0.0.1:9"
#: ``terraform plan -detailed-exitcode``: nothing to do, and something.
EMPTY, CHANGES = 0, 2


@dataclass(frozen=True)
class Lack:
    """Something that the emulator does not do as AWS does.

    Args:
        what: Resources that it concerns, by type and name.
        why: What it lacks.
        done: What is done about it, in words.
        override: What the override says of each of them instead.
    """

    what: tuple[str, ...]
    why: str
    done: str
    override: Mapping[str, Json]

    def __str__(self) -> str:
        return f"{', '.join(self.what)}: {self.done}: {self.why}"


LEFT_OUT = "not applied"
UNCOMPARED = "applied, but not wholly compared by the second plan"


def _ignoring(*arguments: str) -> dict[str, Json]:
    return {"lifecycle": {"ignore_changes": list(arguments)}}


LACKS = (
    Lack(
        ("aws_elasticache_parameter_group.main", "aws_elasticache_subnet_group.main"),
        "there are no CreateCacheParameterGroup and no DeleteCacheSubnetGroup",
        LEFT_OUT,
        override={"count": 0},
    ),
    Lack(
        ("aws_elasticache_replication_group.main",),
        "replication groups have no member clusters, which the provider reads",
        LEFT_OUT,
        override={"count": 0, "parameter_group_name": None, "subnet_group_name": None},
    ),
    Lack(
        (
            "aws_appautoscaling_target.service",
            "aws_appautoscaling_policy.service",
            "aws_appautoscaling_target.worker",
            "aws_appautoscaling_policy.worker",
        ),
        "Application Auto Scaling has no ListTagsForResource, which the provider reads",
        LEFT_OUT,
        override={"for_each": "${toset([])}"},
    ),
    Lack(
        ("aws_db_instance.main",),
        "Performance Insights is forgotten",
        UNCOMPARED,
        override=_ignoring(
            "performance_insights_enabled",
            "performance_insights_kms_key_id",
            "performance_insights_retention_period",
        ),
    ),
    Lack(
        ("aws_db_parameter_group.main",),
        "parameters are forgotten",
        UNCOMPARED,
        override=_ignoring("parameter"),
    ),
    Lack(
        ("aws_ecs_service.api", "aws_ecs_service.web", "aws_ecs_service.worker"),
        "rebalancing between zones, managed tags and the grace period are forgotten; tasks are "
        "never started",
        UNCOMPARED,
        override=_ignoring(
            "desired_count",
            "availability_zone_rebalancing",
            "enable_ecs_managed_tags",
            "health_check_grace_period_seconds",
        ),
    ),
    Lack(
        (
            "aws_vpc_security_group_egress_rule.edge",
            "aws_vpc_security_group_ingress_rule.api_from_web",
            "aws_vpc_security_group_ingress_rule.database",
            "aws_vpc_security_group_ingress_rule.endpoints",
            "aws_vpc_security_group_ingress_rule.from_edge",
            "aws_vpc_security_group_ingress_rule.redis",
        ),
        "descriptions of rules between security groups are forgotten",
        UNCOMPARED,
        override=_ignoring("description"),
    ),
    Lack(
        ("aws_ecs_task_definition.migrate",),
        "RunTask asks the container for its memory, where Fargate asks the task",
        "applied with the task's memory in the container, too",
        override={
            "container_definitions": "${jsonencode([merge(local.containers[each.key], "
            "{ memory = local.sizes[each.key].memory })])}"
        },
    ),
)


def override() -> dict[str, Json]:
    """What stands beside the copy: the emulator's place, and instead of what it lacks."""
    resources: dict[str, dict[str, Json]] = {}
    for lack in LACKS:
        for address in lack.what:
            kind, name = address.split(".")
            resources.setdefault(kind, {})[name] = dict(lack.override)
    return {
        "provider": {
            "aws": {
                "s3_use_path_style": True,
                "skip_credentials_validation": True,
                "skip_metadata_api_check": "true",
                "max_retries": 1,
            }
        },
        "resource": resources,
        "locals": {"redis_host": "redis.emulated", "redis_port": 6379},
    }


def inputs() -> dict[str, object]:
    """Production's, complete; but what is made here is to be destroyed again."""
    return {**chosen(load(), CLOUD, {}).variables, "deletion_protection": False}


# --- Terraform ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terraform:
    """Terraform in a copy of the blueprint, with a state of its own."""

    scratch: Path
    endpoint: str
    values: Mapping[str, object] = field(default_factory=inputs)

    @property
    def root(self) -> Path:
        """Where it runs."""
        return self.scratch / "aws"

    def lay_out(self, provider: Local) -> None:
        """Copy the blueprint, put the override beside it, and take the real provider."""
        leave = shutil.ignore_patterns(".terraform*", "*.tfstate*", "*.tfvars", "tests", "examples")
        shutil.copytree(paths.INFRA / "aws", self.root, ignore=leave)
        text = json.dumps(override(), indent=2)
        (self.root / "emulator_override.tf.json").write_text(text, encoding="utf-8")
        settings = providers.installation([provider], registry=False)
        (self.scratch / "terraform.rc").write_text(settings, encoding="utf-8")
        self._must("init", "-input=false")

    def apply(self, **more: object) -> int:
        """Apply; how many resources there are then."""
        self._must("apply", "-input=false", "-auto-approve", *self._given(more))
        return sum(len(each["instances"]) for each in self.state())

    def destroy(self) -> None:
        """Destroy everything."""
        self._must("destroy", "-input=false", "-auto-approve", *self._given({}))

    def changes(self, **more: object) -> dict[str, tuple[str, ...]]:
        """What a plan would do: address to actions."""
        file = self.scratch / "plan"
        words = ("-input=false", "-detailed-exitcode", f"-out={file}", *self._given(more))
        done = self._run("plan", *words)
        if done.exit_code == EMPTY:
            return {}
        if done.exit_code != CHANGES:
            raise _failed("plan", done)
        shown = json.loads(self._must("show", "-json", str(file)).stdout)
        return {
            str(item["address"]): tuple(item["change"]["actions"])
            for item in shown.get("resource_changes", ())
            if item["change"]["actions"] not in (["no-op"], ["read"])
        }

    def state(self) -> list[Json]:
        """What the state holds of what was made."""
        file = self.root / "terraform.tfstate"
        told = json.loads(file.read_text(encoding="utf-8"))
        return [each for each in told["resources"] if each["mode"] == "managed"]

    def kept(self, texts: Mapping[str, str]) -> list[str]:
        """Which of these texts the state holds, by their names."""
        state = (self.root / "terraform.tfstate").read_text(encoding="utf-8")
        return [name for name, text in texts.items() if json.dumps(text)[1:-1] in state]

    def outputs(self) -> dict[str, Json]:
        """Its outputs by name."""
        told = json.loads(self._must("output", "-json").stdout)
        return {name: item["value"] for name, item in told.items()}

    def ask(self, argv: Sequence[str], call: Call) -> str:
        """One command of AWS's command line, asked of the emulator.

        Raises:
            CloudError: It failed.
        """
        foreign = [name for name in os.environ if name.startswith("AWS_")]
        # By a flag: the variable is known from 2.13 on, and Debian 12 packages 2.9.
        words = [*argv, *call.argv[1:], "--endpoint-url", self.endpoint]
        done = run(words, env=self._env(), without=foreign, timeout=PATIENCE, check=False)
        if done.exit_code != 0:
            raise CloudError(f"{call.what}: {done.tail}", where="the emulator")
        return done.stdout

    def _given(self, more: Mapping[str, object]) -> tuple[str, ...]:
        file = self.scratch / "inputs.tfvars.json"
        file.write_text(json.dumps({**self.values, **more}), encoding="utf-8")
        return (f"-var-file={file}",)

    def _must(self, *words: str) -> Completed:
        done = self._run(*words)
        if done.exit_code != 0:
            raise _failed(words[0], done)
        return done

    def _run(self, *words: str) -> Completed:
        tool = toolchain.find("terraform")
        foreign = [name for name in os.environ if name.startswith(("AWS_", "TF_"))]
        argv = [*tool.argv, words[0], "-no-color", *words[1:]]
        env = {
            **self._env(),
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(self.scratch / "terraform.rc"),
            "TF_IN_AUTOMATION": "1",
        }
        return run(argv, cwd=self.root, env=env, without=foreign, timeout=PATIENCE, check=False)

    def _env(self) -> dict[str, str]:
        """The emulator stands for AWS, and nothing else can be reached."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HTTPS_PROXY": NOWHERE,
            "HTTP_PROXY": NOWHERE,
            "NO_PROXY": "127.0.0.1",
        }


def _failed(command: str, done: Completed) -> ApplyError:
    return ApplyError(
        f"terraform {command} ended with exit code {done.exit_code}\n{done.tail}",
        where="the emulator",
        remedy="If it is the emulator that lacks something, name it in LACKS.",
    )


# --- what is shown -----------------------------------------------------------------------------


def prove(terraform: Terraform, progress: Progress) -> str:
    """Apply, plan again, deploy, operate, deploy otherwise, destroy.

    Returns:
        What was asked with AWS's command line, or why nothing was.

    Raises:
        ApplyError: Something is not as it must be.
    """
    with step(progress, "one apply from nothing (a database takes three minutes)") as told:
        told(f"one apply made {terraform.apply()} resources from nothing")
    with step(progress, "a second plan") as told:
        _none(terraform.changes(), "the second plan is not empty")
        told("the second plan is empty")
    _state(terraform)
    progress.end("no secret stands in the state", 0.0)
    _image(terraform, progress)
    asked = operated(terraform, progress)
    _by_ci(terraform, progress)
    with step(progress, "destroy") as told:
        terraform.destroy()
        left = [f"{each['type']}.{each['name']}" for each in terraform.state()]
        if left:
            raise ApplyError(f"destroying left {', '.join(left)}", where="the emulator")
        told("destroyed; nothing is left in the state")
    return asked


def _state(terraform: Terraform) -> None:
    given = terraform.values["secret_values"]
    secrets = dict(given) if isinstance(given, dict) else {}
    token = str(terraform.values["registry_password"])
    kept = terraform.kept({**secrets, "db_admin_password": PASSWORD, "registry_password": token})
    if kept:
        raise ApplyError(f"the state holds {', '.join(kept)}", where="the emulator")


def _image(terraform: Terraform, progress: Progress) -> None:
    """A deployment by Terraform: another digest."""
    wanted = {
        'aws_ecs_service.api["api"]': ("update",),
        'aws_ecs_task_definition.service["api"]': ("delete", "create"),
    }
    image = f"ghcr.io/acme/api@sha256:{'1' * 64}"
    with step(progress, "another image for api") as told:
        changes = terraform.changes(api_image=image)
        if changes != wanted:
            raise ApplyError(
                f"another image changes {_listed(changes)}, not {_listed(wanted)} alone",
                where="the emulator",
            )
        terraform.apply(api_image=image)
        _none(terraform.changes(api_image=image), "the plan after a deployment is not empty")
        told("another image changes its task definition and its service, and nothing else")


def _by_ci(terraform: Terraform, progress: Progress) -> None:
    """A deployment by somebody else: with manage_image = false, what runs is kept."""
    kept: dict[str, object] = {"manage_image": False}
    with step(progress, "an image that CI deploys") as told:
        terraform.apply(**kept)
        _none(terraform.changes(**kept), "the plan with manage_image = false is not empty")
        _deploy(terraform.endpoint, f"ghcr.io/acme/web@sha256:{'2' * 64}")
        _none(terraform.changes(**kept), "what CI deployed would be changed")
        told("with manage_image = false, an image that CI deployed is kept")


def _deploy(endpoint: str, image: str) -> None:
    """What a workflow does: register a revision with another image, and update the service."""
    ecs = client("ecs", endpoint)
    name = cluster(Where({}, {key: str(value) for key, value in CLOUD.inputs.items()}))
    [service] = ecs.describe_services(cluster=name, services=["web"])["services"]
    found = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
    definition = found["taskDefinition"]
    keep = (
        "family",
        "containerDefinitions",
        "cpu",
        "memory",
        "networkMode",
        "requiresCompatibilities",
        "runtimePlatform",
        "executionRoleArn",
        "taskRoleArn",
    )
    again = {key: definition[key] for key in keep if key in definition}
    again["containerDefinitions"][0]["image"] = image
    made = ecs.register_task_definition(**again, tags=found.get("tags") or [])
    ecs.update_service(
        cluster=name, service="web", taskDefinition=made["taskDefinition"]["taskDefinitionArn"]
    )


def _none(changes: Mapping[str, tuple[str, ...]], what: str) -> None:
    if changes:
        raise ApplyError(f"{what}: {_listed(changes)}", where="the emulator")


def _listed(changes: Mapping[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{name} ({' and '.join(acts)})" for name, acts in sorted(changes.items()))


# --- the verb ----------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    """Apply the AWS blueprint to an emulator, where there is a real provider to do it with.

    Returns:
        0, also where nothing was run: the output says so.

    Raises:
        ApplyError: Something is not as it must be.
        UserError: There are words.
    """
    if words:
        raise UserError(f"unknown words: {' '.join(words)}", remedy="Give none.")
    wanted = providers.required(paths.INFRA / "aws")
    provider = providers.local(wanted).get("aws")
    if provider is None:
        sys.stdout.write(f"not run: no real AWS provider found: {_looked(wanted[0].versions)}\n")
        return 0
    name = f"moto {version('moto')}"
    with TemporaryDirectory(prefix="hostwright-") as scratch, emulator() as endpoint:
        terraform = Terraform(Path(scratch), endpoint)
        _make_zone(endpoint, str(terraform.values["dns_zone"]))
        with Progress() as progress:
            with step(progress, "init") as told:
                terraform.lay_out(provider)
                told(f"hashicorp/aws {provider.version} from {provider.place}, against {name}")
            asked = prove(terraform, progress)
    sys.stdout.write(report(name, provider, asked))
    return 0


def _make_zone(endpoint: str, name: str) -> None:
    """The zone that is there before the blueprint is."""
    client("route53", endpoint).create_hosted_zone(Name=name, CallerReference="prerequisite")


def _looked(versions: str) -> str:
    """Why there is none."""
    found = [str(place) for place in providers.places()]
    looked = ", ".join(found) or "nowhere, as the setting says"
    return f"none of {versions} in {looked} ({providers.SETTING} names another directory)"


def report(name: str, provider: Local, asked: str) -> str:
    """What was shown, and what was not."""
    head = (
        f"applied to {name} with the real provider aws {provider.version}: "
        "an emulator, no account of AWS\n"
        f"{asked}\n"
        f"not asked: {UNASKED}\n"
        f"what {name} lacks:\n"
    )
    return head + "".join(f"  {lack}\n" for lack in LACKS)
