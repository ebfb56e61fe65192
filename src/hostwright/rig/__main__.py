"""``python -m hostwright.rig``: a server to try things on, and the removal of what was left."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from typing import TYPE_CHECKING

from hostwright.errors import HostwrightError
from hostwright.rig import Rig, ledger, requirements, suites
from hostwright.rig import server as servers

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is that of the error's family."""
    options = parser().parse_args(argv)
    try:
        return int(options.run(options) or 0)
    except HostwrightError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="python -m hostwright.rig", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("up", help="boot a server; Ctrl-C ends it")
    command.add_argument("--name", default="rig", help="name of the rig (default: rig)")
    command.add_argument("--suite", default="trixie", choices=tuple(suites.SUITES))
    command.add_argument(
        "--detach", action="store_true", help="leave it running until `clean NAME`"
    )
    command.set_defaults(run=up)

    command = commands.add_parser("list", help="rigs there are")
    command.set_defaults(run=show)

    for verb, does in (
        ("exec", "run a command as root, without ssh"),
        ("power", "off, kill or boot"),
    ):
        command = commands.add_parser(verb, help=does)
        command.add_argument("name")
        command.add_argument("words", nargs=argparse.REMAINDER)
        command.set_defaults(run=execute if verb == "exec" else power)

    command = commands.add_parser("clean", help="remove abandoned rigs, or the ones named")
    command.add_argument("names", nargs="*")
    command.set_defaults(run=clean)

    command = commands.add_parser("requirements", help="what is missing on this machine")
    command.set_defaults(run=lack)
    command = commands.add_parser("install", help="install the missing packages with apt-get")
    command.set_defaults(run=lambda _: bool(requirements.install(say)) and 0)
    return top


def up(options: argparse.Namespace) -> None:
    """Boot a server and say how to reach it."""
    with Rig(options.name, say=say) as rig:
        server = rig.server(options.suite)
        tell(shlex.join(server.ssh()))
        tell(f"address {server.address}\nkey {server.key}\nknown_hosts {server.known_hosts}")
        if options.detach:
            rig.detach()
        else:
            say("Ctrl-C ends it")
            signal.pause()


def show(_options: argparse.Namespace) -> None:
    """One line per rig and server."""
    for entry in ledger.every():
        state = "abandoned" if entry.abandoned else "in use" if entry.owner else "detached"
        tell(f"{entry.name}  10.99.{entry.number}.0/24  {state}")
        for server in servers.attach_all(entry):
            tell(f"  {server.name}  {server.address}  {'on' if server.running else 'off'}")


def execute(options: argparse.Namespace) -> int:
    """Run a command in the first server of a rig."""
    done = _first(options.name).exec(_words(options), check=False, timeout=600)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.exit_code


def power(options: argparse.Namespace) -> None:
    """Switch the first server of a rig off or on, or pull its plug."""
    server = _first(options.name)
    {"off": server.power_off, "kill": server.kill, "boot": server.boot}[_words(options)[0]]()


def clean(options: argparse.Namespace) -> None:
    """Take down what killed runs left, or exactly the rigs named."""
    chosen = [ledger.read(name) for name in options.names] if options.names else abandoned()
    for entry in chosen:
        entry.tear_down(say)
    if not chosen:
        say("nothing was left behind")


def abandoned() -> list[ledger.Ledger]:
    """Rigs whose owner was killed."""
    return [entry for entry in ledger.every() if entry.abandoned]


def lack(_options: argparse.Namespace) -> int:
    """Exit code 1 when something is missing."""
    lacking = requirements.missing(requirements.gather())
    for need in lacking:
        tell(f"{need.kind} {need.name}: {need.remedy}")
    return 1 if lacking else 0


def say(text: str) -> None:
    """Progress goes to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def tell(text: str) -> None:
    """Answers go to stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _first(name: str) -> servers.Server:
    return servers.attach_all(ledger.read(name))[0]


def _words(options: argparse.Namespace) -> list[str]:
    return [word for word in options.words if word != "--"]


if __name__ == "__main__":
    sys.exit(main())
