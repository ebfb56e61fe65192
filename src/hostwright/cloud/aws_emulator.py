"""An emulator of AWS on this machine: moto, in this process and on loopback."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hostwright.errors import ToolError
from hostwright.render.clouds.aws import CLOUD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What is taken for credentials; the emulator asks for no real ones.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "emulated", "AWS_SECRET_ACCESS_KEY": "emulated"}


@contextmanager
def emulator() -> Iterator[str]:
    """Its address, until the block ends.

    Raises:
        ToolError: It is not installed.
    """
    try:
        from moto.server import ThreadedMotoServer
    except ImportError as error:
        raise ToolError(
            "the emulator is not installed",
            where="moto",
            remedy="`nox -s apply_aws_local` installs it in an environment of its own.",
        ) from error
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def client(service: str, endpoint: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """A client of the emulator, for what somebody else than Terraform and the tasks does."""
    import boto3

    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=str(CLOUD.inputs["region"]),
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )


def run_container(endpoint: str, task: Mapping[str, Any], line: str, exit_code: int) -> None:
    """Be the container of a task that was started: the emulator starts none.

    It writes a line where its definition says that it logs, and will have ended with this code.
    """
    called = {"taskDefinition": task["taskDefinitionArn"]}
    found = client("ecs", endpoint).describe_task_definition(**called)["taskDefinition"]
    [container] = found["containerDefinitions"]
    options = container["logConfiguration"]["options"]
    number = task["taskArn"].rpartition("/")[2]
    stream = {
        "logGroupName": options["awslogs-group"],
        "logStreamName": f"{options['awslogs-stream-prefix']}/{container['name']}/{number}",
    }
    logs = client("logs", endpoint)
    logs.create_log_stream(**stream)
    event = {"timestamp": int(time.time() * 1000), "message": line}
    logs.put_log_events(**stream, logEvents=[event])
    _end(task["taskArn"], exit_code)


def _end(task: str, exit_code: int) -> None:
    """Its API has no word for how a container ends."""
    from moto.ecs.models import ecs_backends

    _, _, _, region, account, _ = task.split(":", 5)
    clusters = ecs_backends[account][region].tasks.values()
    [found] = [tasks[task] for tasks in clusters if task in tasks]
    [container] = found.containers
    container.exitCode = exit_code
