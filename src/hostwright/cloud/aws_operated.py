"""What the tasks ask of AWS, asked of the emulator with AWS's own command line.

The command lines are those of :mod:`hostwright.cloud.aws`, and what is done with the answers is
what the tasks do; only the container of the migrate job is played.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from hostwright import toolchain
from hostwright.cloud.aws import OPERATIONS
from hostwright.cloud.aws_emulator import run_container
from hostwright.cloud.model import Migrated, Where
from hostwright.cloud.operate import drift, previous_images, refuse_drift
from hostwright.errors import ApplyError, ToolError
from hostwright.progress import step
from hostwright.render.clouds.aws import CLOUD
from hostwright.run import run

if TYPE_CHECKING:
    from hostwright.cloud.aws_local import Terraform
    from hostwright.cloud.model import Ask, Call, Say
    from hostwright.progress import Progress
    from hostwright.toolchain import Tool

#: In the order in which they are asked.
OPERATED = ("account", "live", "drift", "rollback", "migrate")
#: What is not, and why.
UNASKED = "smoke: nothing answers, since the emulator starts no container"
#: What the migrate job's container writes, and how it ends, one run after the other.
WRITTEN, ENDS = "played: migrated", (0, 3)


def operated(terraform: Terraform, progress: Progress) -> str:
    """Ask all of it; what was asked, or why nothing was.

    Raises:
        ApplyError: An answer is not what it must be.
        CloudError: The command line failed.
    """
    try:
        tool = toolchain.find(OPERATIONS.tool)
    except ToolError as error:
        why = f"not run: {', '.join(OPERATED)}: {OPERATIONS.title}: {error.what}"
        progress.end(why, 0.0)
        return why
    ask = partial(terraform.ask, tool.argv)
    where = Where(terraform.outputs(), {key: str(value) for key, value in CLOUD.inputs.items()})
    with step(progress, "who is logged in") as told:
        told(f"logged in: {OPERATIONS.account(ask, where.inputs)}")
    with step(progress, "drift") as told:
        told(_drifted(ask, where))
    with step(progress, "a rollback") as told:
        told(_rolled_back(terraform, ask, where))
    with step(progress, "the migrate job") as told:
        told(migrated(terraform.endpoint, ask, where, progress.note))
    return f"asked with {_version(tool)}: {', '.join(OPERATED)} (whose container is played)"


def _version(tool: Tool) -> str:
    done = run([*tool.argv, "--version"], check=False)
    return (done.stdout or done.stderr).partition(" ")[0] or OPERATIONS.title


def _drifted(ask: Ask, where: Where) -> str:
    live = OPERATIONS.live(ask, where)
    refuse_drift(drift(where.outputs["env_names"], live, "the emulator"))
    return f"no drift in {len(live)} roles"


def _rolled_back(terraform: Terraform, ask: Ask, where: Where) -> str:
    """Back to what ran before another image was applied."""
    back = previous_images(OPERATIONS.live(ask, where))
    if back != {"api": terraform.values["api_image"]}:
        raise ApplyError(f"a rollback would go back to {back}", where="the emulator")
    terraform.apply(api_image=back["api"])
    runs = OPERATIONS.live(ask, where)["api"].image
    if runs != back["api"]:
        raise ApplyError(f"after a rollback api runs {runs}", where="the emulator")
    return "a rollback found the image that ran before, and api runs it again"


def migrated(endpoint: str, ask: Ask, where: Where, say: Say) -> str:
    """Run the migrate job to a good end and to a bad one.

    Raises:
        ApplyError: Its exit code, or what it wrote, is not told as it was.
    """
    for code in ENDS:
        done = OPERATIONS.migrate(played(ask, endpoint, code), where, say, _at_once)
        if done != Migrated(code, (WRITTEN,)):
            raise ApplyError(f"a migration that ends with {code} is told as {done}", where="ecs")
    return f"the migrate job ran to exit codes {' and '.join(map(str, ENDS))}, with its log"


def played(ask: Ask, endpoint: str, exit_code: int) -> Ask:
    """Ask, and be the container of every task that is started."""

    def asked(call: Call) -> str:
        answer = ask(call)
        if "run-task" in call.argv:
            for task in json.loads(answer)["tasks"]:
                run_container(endpoint, task, WRITTEN, exit_code)
        return answer

    return asked


def _at_once(_: float) -> None:
    """The emulator's tasks go on with every question, not with the time."""
