"""The operator's files, written from variables of the process: what a workflow begins with.

A person has hosts.yaml, a pinned host key, an SSH key and an env file beside the clone. A workflow
has them as secrets and variables of its environment, passes them as variables of the process, and
has them written where every task looks. Each text is judged before any file is written, a file that
is there is never replaced, and what was written is written down, so that just that is removed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.contract.rules import near
from hostwright.errors import UserError, ValuesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hostwright.contract.models import TargetName

PREFIX = "HOSTWRIGHT_"
#: What one workflow wrote, so that it can be removed: paths, one JSON list.
WRITTEN = paths.OPERATOR / "ci-files.json"
_KEY_TYPES = re.compile(r"ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9@.-]+")


@dataclass(frozen=True)
class Wanted:
    """One file of one target.

    Args:
        name: The variable, without ``HOSTWRIGHT_``.
        path: Where its text is written, mode 0600.
        fault: What is wrong with a text; nothing if it will do. It never repeats the text.
        required: Whether nothing can be done without it.
    """

    name: str
    path: Path
    fault: Callable[[str], str]
    required: bool = False

    @property
    def variable(self) -> str:
        """The variable's whole name."""
        return PREFIX + self.name


# --- what is wanted -----------------------------------------------------------------------------


def wanted(target: TargetName) -> tuple[Wanted, ...]:
    """The files of *target*, the required ones first.

    Where each one lies is part of the interface: hosts.yaml names the env file and the keys.
    """
    if target == "vps":
        return (
            Wanted("HOSTS_YAML", paths.HOSTS, _text, required=True),
            Wanted("KNOWN_HOSTS", paths.KNOWN_HOSTS, pinned_fault, required=True),
            Wanted("SSH_KEY", paths.OPERATOR / "ssh_key", key_fault, required=True),
            Wanted("ENV_FILE", paths.HOME / ".env.prod", _text),
            Wanted("BACKUP_KEY", paths.OPERATOR / "backup.key", _one_line),
        )
    if target == "kubernetes":
        return (Wanted("KUBECONFIG", paths.OPERATOR / "kubeconfig", _text, required=True),)
    return (
        Wanted("TFVARS", paths.HOME / f"{target}.tfvars", _text, required=True),
        # Without remote state a plan would show everything as new, and drift would see nothing.
        Wanted("BACKEND_TF", paths.INFRA / target / "backend.tf", backend_fault, required=True),
        Wanted("ENV_FILE", paths.HOME / f".env.{target}", _text),
    )


def _text(text: str) -> str:
    return "" if text.strip() else "is blank"


def _one_line(text: str) -> str:
    return "" if len(text.split()) == 1 else "is not one line without spaces"


def key_fault(text: str) -> str:
    """What keeps *text* from being a private key that nobody has to type a passphrase for."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if not lines or not re.fullmatch(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", lines[0]):
        return "does not begin as a private key does"
    if lines[-1] != lines[0].replace("BEGIN", "END"):
        return "does not end as a private key does: it was cut off"
    return ""


def pinned_fault(text: str) -> str:
    """What keeps *text* from being lines of known_hosts as `vps.trust` writes them."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return "pins no host"
    return next((fault for line in lines if (fault := _pin_fault(line.split()))), "")


def _pin_fault(words: list[str]) -> str:
    if len(words) < 3 or words[0].startswith(("@", "|")):  # noqa: PLR2004 - name, type, key
        return "has a line that is not `name type key`: a host's name as it is, and no marker"
    kind = words[1]
    if not _KEY_TYPES.fullmatch(kind):
        return f"names a type of key that is none: {kind[:40]}"
    try:
        blob = base64.b64decode(words[2], validate=True)
        (length,) = struct.unpack(">I", blob[:4])
    except (binascii.Error, struct.error):
        return f"has a {kind} key that is cut off"
    return "" if blob[4 : 4 + length] == kind.encode() else f"has a key that is not {kind}"


def backend_fault(text: str) -> str:
    """What keeps *text* from naming a remote state."""
    found = re.search(r'^\s*backend\s+"([a-z0-9]+)"', text, re.MULTILINE)
    if not found:
        return "names no backend: see examples/backend.tf.example of the blueprint"
    return "keeps the state on the runner, which is thrown away" if found[1] == "local" else ""


# --- write and remove ----------------------------------------------------------------------------


def write(target: TargetName, environ: Mapping[str, str], only: Iterable[str] = ()) -> list[str]:
    """Write the files of *target*; a line for each.

    Args:
        target: What is worked on.
        environ: The process's variables.
        only: Names (without the prefix) to write, where not all of them are wanted.

    Raises:
        ValuesError: A variable is missing or its text will not do; nothing was written.
        UserError: A file is there already; nothing was written.
    """
    files = _chosen(target, tuple(only))
    given = {file: environ.get(file.variable, "") for file in files}
    _refuse(given)
    written = []
    for file, text in given.items():
        if text:
            _write(file.path, _ended(text))
            written.append(file)
    return [f"{paths.shown(file.path)} written from {file.variable}" for file in written]


def _chosen(target: TargetName, only: tuple[str, ...]) -> list[Wanted]:
    files = wanted(target)
    known = [file.name for file in files]
    for name in only:
        if name not in known:
            raise UserError(
                "there is no such file", where=f"--only {name}", remedy=near(name, known)
            )
    return [file for file in files if not only or file.name in only]


def _refuse(given: Mapping[Wanted, str]) -> None:
    faults = [
        f"{file.variable} {fault}" for file, text in given.items() if (fault := _fault(file, text))
    ]
    if faults:
        raise ValuesError(
            "\n".join(["nothing was written", *(f"  {fault}" for fault in faults)]),
            remedy="`gh secret set NAME --env ENVIRONMENT < FILE` takes a file as it is; so does "
            "`gh variable set`.",
        )
    there = [paths.shown(file.path) for file, text in given.items() if text and file.path.exists()]
    if there:
        raise UserError(
            f"there already, and not replaced: {', '.join(there)}",
            remedy="`invoke ci.files --remove` removes what it wrote before, and nothing else.",
        )


def _fault(file: Wanted, text: str) -> str:
    if not text:
        return "is missing" if file.required else ""
    # A key with CRLF is no key to OpenSSH, and an env file would end each value with it.
    return "has line ends of Windows" if "\r" in text else file.fault(text)


def _ended(text: str) -> str:
    """*text* with a last newline: where secrets are typed in it gets lost, and a key needs it."""
    return text if text.endswith("\n") else f"{text}\n"


def _write(path: Path, text: str) -> None:
    # Written down first: what a killed job left is removed by the next one.
    _note([*_noted(), str(path)])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def remove() -> list[str]:
    """Remove what :func:`write` wrote, and nothing else; a line for each."""
    found = [Path(name) for name in _noted()]
    for path in found:
        path.unlink(missing_ok=True)
    WRITTEN.unlink(missing_ok=True)
    return [f"{paths.shown(path)} removed" for path in found]


def _noted() -> list[str]:
    with suppress(OSError, ValueError):
        return [str(name) for name in json.loads(WRITTEN.read_text(encoding="utf-8"))]
    return []


def _note(names: list[str]) -> None:
    WRITTEN.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    WRITTEN.write_text(json.dumps(names), encoding="utf-8")
