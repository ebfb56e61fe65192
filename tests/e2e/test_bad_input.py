"""What goes wrong by somebody's fault: one plain message, its exit code, and an untouched host."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import (
    HostKeyError,
    LoginError,
    SettingsError,
    Unreachable,
    UnsupportedHost,
    UserError,
    ValuesError,
)
from hostwright.rig import Rig
from hostwright.rig.scene import HOST, Scene
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.run import Completed

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with Rig(f"bad-{os.getpid()}") as rig:
        made = Scene.set_up(rig)
        made.trust()
        yield made


@pytest.fixture(autouse=True)
def as_it_was(scene: Scene) -> Iterator[None]:
    """Every test leaves the operator's files as they were, and the host as bare as it was."""
    pinned = scene.home / ".hostwright" / "known_hosts"
    files = {path: path.read_text() for path in (scene.env_file, pinned)}
    yield
    for path, text in files.items():
        path.write_text(text)
    scene.write_hosts()
    present = scene.server.exec(["ls", "/var/lib", "/etc"]).stdout.split()
    assert not {"hostwright", "docker"} & set(present)


def refused(scene: Scene, *words: str) -> Completed:
    done = scene.invoke(*words, check=False)
    assert "Traceback" not in done.stderr
    assert scene.seen(done) == []
    return done


def deploy(scene: Scene) -> Completed:
    return refused(scene, "vps.deploy", "--host", HOST, *scene.version("1"))


def change(scene: Scene, name: str, line: str) -> None:
    """Replace the line of one variable in the operator's values."""
    text = re.sub(rf"^{name}=.*$", lambda _: line, scene.env_file.read_text(), flags=re.MULTILINE)
    scene.env_file.write_text(text)


def test_a_host_that_does_not_listen_is_unreachable(scene: Scene) -> None:
    scene.write_hosts(port=2222)

    done = refused(scene, "vps.provision", "--host", HOST)

    assert done.exit_code == Unreachable.exit_code
    assert f"{scene.server.address}:2222" in done.stderr


def test_a_host_key_that_was_never_pinned_is_shown_and_refused(scene: Scene) -> None:
    (scene.home / ".hostwright" / "known_hosts").write_text("")

    done = refused(scene, "vps.provision", "--host", HOST)

    assert done.exit_code == HostKeyError.exit_code
    assert scene.fingerprint() in done.stderr
    assert "invoke vps.trust" in done.stderr


def test_a_changed_host_key_is_refused_with_both_fingerprints(scene: Scene) -> None:
    other = scene.home / "other"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other])
    kind, key = other.with_suffix(".pub").read_text().split()[:2]
    pinned = scene.home / ".hostwright" / "known_hosts"
    pinned.write_text(f"{scene.server.address} {kind} {key}\n")

    done = refused(scene, "vps.provision", "--host", HOST)

    assert done.exit_code == HostKeyError.exit_code
    assert "CHANGED" in done.stderr
    assert scene.fingerprint() in done.stderr


def test_a_fingerprint_that_is_not_the_hosts_pins_nothing(scene: Scene) -> None:
    wrong = "SHA256:" + "A" * 43

    done = refused(scene, "vps.trust", "--host", HOST, "--fingerprint", wrong)

    assert done.exit_code == HostKeyError.exit_code
    assert "Nothing was pinned" in done.stderr


def test_a_key_that_the_host_does_not_know_is_refused(scene: Scene) -> None:
    stranger = scene.home / "stranger"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger])
    scene.write_hosts(identity_file=str(stranger))

    done = refused(scene, "vps.provision", "--host", HOST)

    assert done.exit_code == LoginError.exit_code
    assert str(stranger) in done.stderr


def test_another_distribution_is_refused_before_anything_is_touched(scene: Scene) -> None:
    release = scene.server.root / "usr/lib/os-release"
    before = release.read_text()
    release.write_text('ID=fedora\nVERSION_ID="42"\nPRETTY_NAME="Fedora Linux 42"\n')
    try:
        done = refused(scene, "vps.provision", "--host", HOST)
    finally:
        release.write_text(before)

    assert done.exit_code == UnsupportedHost.exit_code
    assert "Fedora Linux 42" in done.stderr


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is missing; production requires it"),
        ("SECRET_KEY", "SECRET_KEY=", "SECRET_KEY is blank"),
        ("SECRET_KEY", "SECRET_KEY='   '", "SECRET_KEY is blank"),
        ("SECRET_KEY", "SECRET_KEY=short", "fewer than 32 characters"),
        ("REDIS_PASSWORD", "", "REDIS_PASSWORD is missing; vps needs it"),
        ("# LOG_LEVEL", "LOG_LEVL=info", "Did you mean LOG_LEVEL?"),
        ("# LOG_LEVEL", "LOG_LEVEL=loud", "is not one of debug, info, warning, error"),
        ("# LOG_LEVEL", "LOG_LEVEL=$HOME", "single quotes"),
        ("# LOG_LEVEL", "DATABASE_URL=postgresql://x@y/z", "is composed by hostwright on vps"),
    ],
)
def test_values_that_would_break_a_release_are_refused_with_their_line(
    scene: Scene, name: str, line: str, words: str
) -> None:
    change(scene, name, line)

    done = deploy(scene)

    assert done.exit_code == ValuesError.exit_code
    assert words in done.stderr
    assert scene.env_file.name in done.stderr


def test_values_that_others_can_read_are_refused(scene: Scene) -> None:
    scene.env_file.chmod(0o644)
    try:
        done = deploy(scene)
    finally:
        scene.env_file.chmod(0o600)

    assert done.exit_code == ValuesError.exit_code
    assert "chmod 600" in done.stderr


@pytest.mark.parametrize("name", ["root@10.0.0.1;reboot", "$(id)", "-oProxyCommand=x.y", "a b.c"])
def test_a_host_name_with_shell_characters_is_refused(scene: Scene, name: str) -> None:
    done = refused(scene, "vps.provision", f"--host={name}")

    assert done.exit_code in {UserError.exit_code, SettingsError.exit_code}


def test_a_host_that_was_not_provisioned_says_so(scene: Scene) -> None:
    done = deploy(scene)

    assert done.exit_code != 0
    assert "vps.provision" in done.stderr
