"""The demo: from a bare server to a running application, a second version, and back.

Everything is real: Debian boots, the commands are the ones that the README names, certificates come
from an ACME authority, and a stream of requests runs while versions change.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hostwright import validate
from hostwright.errors import FindingsError
from hostwright.rig import Rig, requirements, suites
from hostwright.rig.load import LoadGenerator
from hostwright.rig.scene import API_DOMAIN, APP_DOMAIN, HOST, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig.load import Report

#: Seconds of load before and after a change, so that the change stands out.
QUIET_SECONDS = 2.0


class Demo:
    """The acts in their order; each is timed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def act(self, title: str) -> Iterator[None]:
        """One act of the demo."""
        _say(f"\n== {title}")
        started = time.monotonic()
        yield
        self.seconds[title] = time.monotonic() - started

    def play(self, rig: Rig, suite: str) -> Scene:
        """Every act; version 1 serves in the end.

        Raises:
            ToolError: An act failed.
            FindingsError: A request failed, or the wrong version serves.
        """
        with self.act("boot a bare server, build images (cached from the second time on)"):
            scene = Scene.set_up(rig, suite=suite)
            scene.trust()
        with self.act("invoke vps.provision"):
            scene.invoke_shown("vps.provision", "--host", HOST)
        with self.act("invoke vps.provision, again: nothing to change"):
            scene.invoke_shown("vps.provision", "--host", HOST)
        with self.act("invoke vps.deploy, version 1"):
            scene.invoke_shown("vps.deploy", "--host", HOST, *scene.version("1"))
        with self.act("look at it"):
            self.look(scene)
        with self.act("invoke vps.deploy, version 2, under load"):
            up = self.under_load(scene, "vps.deploy", *scene.version("2"))
        with self.act("invoke vps.rollback, under load"):
            back = self.under_load(scene, "vps.rollback")
        self.account(scene, up, back)
        return scene

    def look(self, scene: Scene) -> None:
        """The certificate, readiness, and a job done."""
        _say("   (app.test and api.test exist only for the demo's own authority and requests)")
        ready = scene.request("GET", f"https://{APP_DOMAIN}/api/health/ready")
        _say(f"   https://{APP_DOMAIN}  {ready.status_code}, certificate verified")
        ready = scene.request("GET", f"https://{API_DOMAIN}/health/ready")
        _say(f"   https://{API_DOMAIN}  {ready.status_code}  {ready.text.strip()}")
        item = scene.do_job()
        _say(f"   job {item['id']} went web, api, Postgres, Redis, worker: {item['state']}")

    def under_load(self, scene: Scene, *words: str) -> Report:
        """A command while requests come in."""
        with LoadGenerator(scene.stream()) as load:
            time.sleep(QUIET_SECONDS)
            scene.invoke_shown(words[0], "--host", HOST, *words[1:])
            time.sleep(QUIET_SECONDS)
            report = load.stop()
        _say(f"   {report.sent} requests, {report.failed} failed, versions {report.versions}")
        return report

    def account(self, scene: Scene, up: Report, back: Report) -> None:
        """The closing table.

        Raises:
            FindingsError: A request failed, or the wrong version serves.
        """
        _say("\nseconds  what")
        for title, seconds in self.seconds.items():
            _say(f"{seconds:7.1f}  {title}")
        sent, failed = up.sent + back.sent, up.failed + back.failed
        pause = max(up.pause, back.pause) * 1000
        _say(f"\n{failed} of {sent} requests failed; longest pause {pause:.0f} ms")
        if failed or scene.serving() != "1":
            raise FindingsError(f"failures: {up.failures | back.failures}", where="demo")
        _say(f"Serving now: version 1 on https://{APP_DOMAIN} ({scene.server.address})")
        _say(suites.not_run())


def main(words: list[str]) -> int:
    """``demo [--keep] [--suite trixie|bookworm]``."""
    parser = argparse.ArgumentParser(prog="nox -s demo --", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the server up")
    parser.add_argument("--suite", choices=tuple(suites.SUITES), default="trixie")
    given = parser.parse_args(words)
    return run(keep=given.keep, suite=given.suite)


def run(*, keep: bool, suite: str = "trixie") -> int:
    """Play the demo; with *keep* the server stays up.

    Raises:
        ToolError: This machine cannot; it says what is missing and what can run instead.
        FindingsError: The demo ran and showed a fault.
    """
    requirements.install(_say)
    demo = Demo()
    with demo.act("prove the VPS blueprint: nox -s validate_vps"):
        prove()
    with Rig("demo", say=lambda text: _say(f"   {text}")) as rig:
        demo.play(rig, suite)
        if keep:
            rig.detach()
            _say("It stays up: `python -m hostwright.rig clean demo` ends it.")
    return 0


def prove() -> None:
    """What the engines render, role by role, is what the contract says.

    Raises:
        FindingsError: It is not.
    """
    faulty = validate.run(["vps"])
    sys.stdout.flush()
    if faulty:
        raise FindingsError("the blueprint has faults", where="ops/compose")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
