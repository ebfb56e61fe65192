"""Tasks that look before they leap: what a deploy would change, and what is not as deployed."""

from __future__ import annotations

import json as json_
from typing import TYPE_CHECKING, Any

from hostwright.tasks import flags, hosts
from hostwright.tasks.command import command

if TYPE_CHECKING:
    from invoke.context import Context

    from hostwright.plan.saved import Agreed


@command(
    several=True,
    iterable=["image"],
    help={
        "host": flags.HOST,
        **flags.RELEASE,
        "out": "Save it to this file, for `vps.deploy --plan FILE`.",
        "identity": flags.KEY,
        "json": flags.JSON,
    },
)
def plan(
    _: Context,
    host: str = "",
    image: list[str] | None = None,
    env_file: str = "",
    app_domain: str = "",
    api_domain: str = "",
    acme_email: str = "",
    out: str = "",
    identity: str = "",
    json: bool = False,
) -> None:
    """Say what a deploy would change on the host, and change nothing.

    `invoke vps.deploy --plan shop.plan` then does what was saved, and refuses when anything changed
    meanwhile.

    Example: `invoke vps.plan --host shop --out shop.plan`.
    """
    from pathlib import Path

    from hostwright import deploy as deploying
    from hostwright.fleet.shared import checked
    from hostwright.plan import operate, saved, shown
    from hostwright.progress import Progress

    given = {
        "app_domain": app_domain,
        "api_domain": api_domain,
        "images": hosts.images(image or []),
        "env_file": str(Path(env_file).expanduser().resolve()) if env_file else "",
        "acme_email": acme_email,
    }
    _refuse_one_file_for_several(out)
    settings = hosts.settings(host, identity_file=identity, **given)
    with Progress() as progress:
        local = deploying.gather(settings)
        checked()
        with hosts.session(settings) as session:
            named = {"host": host, "flags": {key: item for key, item in given.items() if item}}
            found, agreed = operate.plan(session, local, named, progress)
    if out:
        saved.write(Path(out), agreed)
    if json:
        print(json_.dumps({"host": settings.address, **found.as_json()}, indent=2))
        return
    print("\n".join(shown.lines(found)))
    print(shown.last(found, settings.address))


def _refuse_one_file_for_several(out: str) -> None:
    from hostwright.errors import UserError
    from hostwright.fleet.shared import MEMBER

    if out and MEMBER.get() is not None:
        raise UserError(
            "one file holds the plan of one host", where="--out", remedy="Plan them one by one."
        )


def saved_plan(file: str, host: str, **given: object) -> tuple[Agreed, dict[str, Any]]:
    """The plan of `vps.deploy --plan`, and the settings that it was made with.

    Raises:
        UserError: It is none, of another host, or other flags are given beside it.
    """
    from pathlib import Path

    from hostwright.errors import UserError
    from hostwright.plan import saved

    path = Path(file)
    agreed = saved.read(path)
    names = {"images": "image"}
    said = [names.get(key, key.replace("_", "-")) for key, value in given.items() if value]
    if said:
        raise UserError(
            f"the plan says what is deployed, --{said[0]} would say something else",
            where=file,
            remedy="Leave it out, or make a new plan with it.",
        )
    if host not in {"", agreed.host}:
        raise UserError(f"it is a plan for {agreed.host}, not for {host}", where=file)
    return agreed, dict(agreed.flags)


@command(several=True, help={"host": flags.HOST, "identity": flags.KEY, "json": flags.JSON})
def drift(_: Context, host: str = "", identity: str = "", json: bool = False) -> int:
    """Say what on the host is not as it was deployed and provisioned; exit code 35 if anything is.

    Example: `invoke vps.drift --host shop`.
    """
    from hostwright.drift import operate, shown
    from hostwright.errors import Drifted
    from hostwright.progress import Progress

    settings = hosts.settings(host, identity_file=identity)
    with Progress() as progress, hosts.session(settings) as session:
        found = operate.look(session, settings, hosts.app(settings), progress)
    if json:
        print(json_.dumps({"host": settings.address, **found.as_json()}, indent=2))
    else:
        print("\n".join([*shown.table(found), shown.last(found, settings.address)]))
    return Drifted.exit_code if found.findings else 0


TASKS = (plan, drift)
