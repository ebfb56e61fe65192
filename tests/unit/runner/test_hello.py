from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.unit.runner import fake_host as fake

from hostwright.runner import compose, durable, hello
from hostwright.runner.compose import Compose
from hostwright.runner.process import Shell

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Turn(NamedTuple):
    found: Compose | None


def test_a_compose_that_did_not_answer_once_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = fake.layout(tmp_path)
    program = tmp_path / "docker-compose"
    program.touch()
    answers = [Turn(None), Turn(Compose(str(program), "2.26.1"))]
    monkeypatch.setattr(compose, "candidates", lambda _: [program])
    monkeypatch.setattr(compose, "find", lambda _: answers.pop(0).found)

    def asked() -> Compose | None:
        memory = hello.Memory(layout)
        found = memory.compose(Shell())
        memory.keep()
        return found

    assert asked() is None
    assert asked() == Compose(str(program), "2.26.1")
    assert asked() == Compose(str(program), "2.26.1")  # remembered: nobody is asked
    assert answers == []


def test_a_none_that_an_older_runner_remembered_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = fake.layout(tmp_path)
    program = tmp_path / "docker-compose"
    program.touch()
    stat = program.stat()
    layout.facts.write_text(f'{{"compose {program} 0 {stat.st_mtime_ns}": null}}')
    monkeypatch.setattr(compose, "candidates", lambda _: [program])
    monkeypatch.setattr(compose, "find", lambda _: Compose("x", "2.26"))

    assert hello.Memory(layout).compose(Shell()) == Compose("x", "2.26")


def test_the_greeting_says_which_base_runs_and_what_its_images_were_asked_for_as(
    tmp_path: Path,
) -> None:
    host = fake.host(tmp_path)
    caddy = {"ref": "hostwright/app-caddy:1", "id": None, "pull": False, "asked": "caddy:2.11"}
    fake.unpacked(host, fake.OLD, images={"caddy": caddy})
    durable.write_json(host.layout.base_state, {"sha256": "0" * 64, "release": fake.OLD})
    docker = fake.Docker()
    docker.down = True

    greeting = hello.hello(host.layout, docker)

    assert greeting["base_applied"] == "0" * 64
    [release] = greeting["releases"]
    assert release["images"]["caddy"]["asked"] == "caddy:2.11"
