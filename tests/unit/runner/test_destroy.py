from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD, Docker

from hostwright.runner import __main__ as main
from hostwright.runner import destroy, hold
from hostwright.runner.backup.settings import Repository
from hostwright.runner.engine import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    from hostwright.runner.operation import Host


class Kept(Docker):
    """Docker with networks and volumes; what it is asked to remove of *stuck* it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.labels = {
            "app-caddy": {"dev.hostwright.app": "app"},
            f"app-{NEW}-api": {"com.docker.compose.project": f"app-{NEW}"},
            "app-postgres": {"com.docker.compose.project": "app-base"},
            "app-b-caddy": {"dev.hostwright.app": "app-b"},
            "app-b-postgres": {"com.docker.compose.project": "app-b-base"},
            "theirs": {"com.docker.compose.project": "app-of-theirs"},
        }
        self.known = dict.fromkeys(self.labels, True)
        self.things = {
            "/networks": ["app_edge", "app_data", "myapp_edge", "bridge"],
            "/volumes": ["app_postgres", "myapp_postgres"],
        }
        self.tags = {f"app/api:{OLD}", "hostwright/app-api:1", "shop/api:1"}
        self.stuck = ""

    def containers(self, project: str | None = None) -> list[dict[str, Any]]:
        del project
        return [{"Names": [f"/{name}"], "Labels": self.labels[name]} for name in self.known]

    def images(self) -> list[dict[str, Any]]:
        return [{"RepoTags": [tag]} for tag in self.tags]

    def image(self, ref: str) -> dict[str, Any] | None:
        return {} if ref in self.tags else None

    def remove_image(self, ref: str) -> None:
        self.tags.remove(ref)

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        del query
        found = [{"Name": name} for name in self.things[path]]
        return {"Volumes": found} if path == "/volumes" else found

    def call(self, method: str, path: str, *more: Any, **even_more: Any) -> Any:  # noqa: ANN401 - Engine's
        del more, even_more
        kind, _, name = path.rpartition("/")
        if name == self.stuck:
            raise EngineError(409, "volume is in use")
        self.calls.append(f"{method} {path}")
        self.things[kind].remove(name)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = fake.host(tmp_path, Kept())
    for identity in (OLD, NEW):
        images = {"api": {"ref": f"app/api:{identity}", "id": None, "pull": False}}
        fake.unpacked(host, identity, images=images)
    fake.serve(host, NEW)
    host.layout.audit.write_text('{"op": "deploy"}\n')
    for name in ("facts.json", "journal.json", "aside", "caddy.json"):
        (host.layout.root / name).write_text("x")
    (host.layout.backup / "settings.json").write_text("{}")
    (host.layout.backup / "backups.jsonl").write_text("{}\n")
    return host


def docker(host: Host) -> Kept:
    assert isinstance(host.engine, Kept)
    return host.engine


def names(host: Host) -> set[str]:
    return {path.name for path in host.layout.root.iterdir()}


def test_everything_of_the_application_goes_and_nothing_of_others(host: Host) -> None:
    destroy.destroy(host, "anna@desk", keep_backups=True)

    engine = docker(host)
    assert set(engine.known) == {"app-b-caddy", "app-b-postgres", "theirs"}
    assert engine.things == {"/networks": ["myapp_edge", "bridge"], "/volumes": ["myapp_postgres"]}
    assert engine.tags == {"shop/api:1"}
    told = fake.told(host)
    assert [event["event"] for event in told[-2:]] == ["destroyed", "done"]
    assert (told[-1]["previous"], told[-1]["serving"]) == (NEW, None)
    assert told[-2]["releases"] == [OLD, NEW]


def test_the_host_stays_as_provisioning_left_it_with_its_audit_log(host: Host) -> None:
    destroy.destroy(host, "anna@desk", keep_backups=True)

    made = {"releases", "base", "live", "caddy", "run", "backup"}
    assert names(host) == {*made, "audit.jsonl", "events.jsonl"}
    assert not [path for name in made - {"backup"} for path in (host.layout.root / name).iterdir()]
    assert host.layout.releases.stat().st_mode & 0o777 == 0o700
    lines = [json.loads(line) for line in host.layout.audit.read_text().splitlines()]
    assert [(line["op"], line.get("actor")) for line in lines] == [
        ("deploy", None),
        ("destroy", "anna@desk"),
    ]


def test_the_list_of_backups_stays_and_the_key_and_credentials_go(host: Host) -> None:
    run = host.layout.backup / "run"
    run.mkdir()
    for name in ("key", "away.key"):
        (run / name).write_text("x")

    destroy.destroy(host, "anna@desk", keep_backups=True)

    assert [path.name for path in host.layout.backup.iterdir()] == ["backups.jsonl"]


def test_backups_on_the_host_go_only_where_restic_made_them(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository, other, log = (tmp_path / name for name in ("here", "other", "here-wal"))
    for place in (repository, other, log):
        (place / "data").mkdir(parents=True)
    for place in (repository, log):
        (place / "config").write_text("x")

    class Known:
        repositories = (
            Repository("here", "local", str(repository)),
            Repository("other", "local", str(other)),
            Repository("away", "sftp", str(tmp_path), address="box@127.0.0.1"),
        )

    monkeypatch.setattr("hostwright.runner.backup.settings.load", lambda _: Known())

    destroy.destroy(host, "anna@desk", keep_backups=False)

    assert not repository.exists()
    assert not log.exists()
    assert other.exists()
    assert fake.told(host)[-2]["backups"] == [str(repository), str(log)]
    assert list(host.layout.backup.iterdir()) == []


def test_where_docker_refuses_the_next_one_goes_on(host: Host) -> None:
    docker(host).stuck = "app_postgres"

    destroy.destroy(host, "anna@desk", keep_backups=False)

    last = fake.told(host)[-1]
    assert (last["event"], last["what"]) == ("failed", "Docker refused: volume is in use")
    assert "it goes on where it was" in last["remedy"]
    assert hold.destroying(host.layout) == {"actor": "anna@desk", "keep_backups": False}

    docker(host).stuck = ""
    destroy.destroy(host, "boot", keep_backups=True)
    assert fake.told(host)[-1]["event"] == "done"
    assert hold.destroying(host.layout) is None
    assert list(host.layout.backup.iterdir()) == []  # as it was asked for the first time


@pytest.mark.parametrize(
    "step", ["TIMERS", "CONTAINERS", "NETWORKS", "VOLUMES", "IMAGES", "RELEASES"]
)
def test_wherever_it_dies_the_next_one_ends_it(
    host: Host, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = destroy._STEPS[step]  # noqa: SLF001 - the place to die at

    def die(at: Host) -> list[str]:
        real(at)
        raise KeyboardInterrupt

    monkeypatch.setitem(destroy._STEPS, step, die)  # noqa: SLF001 - as above
    with pytest.raises(KeyboardInterrupt):
        destroy.destroy(host, "anna@desk", keep_backups=True)
    monkeypatch.undo()
    assert hold.destroying(host.layout) is not None

    destroy.destroy(host, "anna@desk", keep_backups=True)

    assert set(docker(host).known) == {"app-b-caddy", "app-b-postgres", "theirs"}
    assert docker(host).tags == {"shop/api:1"}
    assert list(host.layout.known()) == []
    assert hold.destroying(host.layout) is None


def test_the_boot_finishes_what_was_begun(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of bringing back to life what is half gone."""
    host.layout.destroying.write_text('{"keep_backups": true}')
    monkeypatch.setattr("hostwright.runner.engine.Engine", lambda: host.engine)
    monkeypatch.setattr("hostwright.runner.hello.Memory.compose", lambda *_: host.tool)

    assert main._at_once(host.layout, "resume") == 0  # noqa: SLF001 - what the boot unit calls

    assert hold.destroying(host.layout) is None
    assert list(host.layout.known()) == []
