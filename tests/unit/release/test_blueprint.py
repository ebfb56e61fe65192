"""The two projects and the final Caddyfile, asked of the real Compose and the real Caddy."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from hostwright import paths, toolchain
from hostwright.contract import load
from hostwright.release import blueprint
from hostwright.release.blueprint import BlueprintError
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP, ID = "shop", "20261122t170301z-ab12cde"
COMPOSE: tuple[str | Path, ...] = toolchain.find("docker-compose").argv
BASE = {"caddy", "postgres", "redis"}
#: Every choice of roles that makes an application.
CHOICES = [
    frozenset(chosen)
    for size in range(1, 5)
    for chosen in itertools.combinations(sorted(blueprint.ROLES), size)
]
PUBLIC = {"APP_DOMAIN": "app.test", "API_DOMAIN": "api.app.test"}


def compose_file() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(paths.COMPOSE_FILE.read_text())
    return document


def split(
    roles: frozenset[str] = blueprint.ROLES,
    compose: dict[str, Any] | None = None,
    release_id: str = ID,
    **more: Any,  # noqa: ANN401 - passed on
) -> blueprint.Projects:
    settings = {**blueprint.settings_of(load().roles), **PUBLIC, **more.pop("settings", {})}
    return blueprint.split(
        compose or compose_file(),
        app=APP,
        release_id=release_id,
        roles=roles,
        images=more.pop("images", {}),
        settings=settings,
        **more,
    )


def config(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """What the real Compose reads, every profile included."""
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    done = run(
        [*COMPOSE, "-f", path, "--profile", "*", "config", "--format", "json"],
        env={"COMPOSE_PROJECT_NAME": ""},
    )
    assert not done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def strings(node: Any) -> Iterator[str]:  # noqa: ANN401 - YAML is anything
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from (text for value in node.values() for text in strings(value))
    elif isinstance(node, list):
        yield from (text for value in node for text in strings(value))


# --- interpolation -------------------------------------------------------------------------------

TEMPLATES = [
    "plain",
    "$NAME",
    "${NAME}",
    "${NAME:-d}",
    "${NAME-d}",
    "${NAME:+r}",
    "${NAME+r}",
    "${GONE:-d}",
    "${GONE-d}",
    "${GONE:+r}",
    "${GONE+r}",
    "${BLANK:-d}",
    "${BLANK-d}",
    "${BLANK:+r}",
    "${BLANK+r}",
    "${GONE:-${NAME}}",
    "${GONE:-${BLANK:-${NAME:-d}}}",
    "${NAME:+a ${NAME:-} b}",
    "$$NAME and $${NAME}",
    "a${NAME}b$NAME.c",
    "${GONE:-}",
    "${ODD:-d}",
]
SETTINGS = {"NAME": "value", "BLANK": "", "ODD": "a $NAME ${NAME} $$ }"}


def test_interpolation_agrees_with_compose(tmp_path: Path) -> None:
    labels = {f"n{number}": text for number, text in enumerate(TEMPLATES)}
    path = tmp_path / "compose.yaml"
    path.write_text(yaml.safe_dump({"services": {"a": {"image": "i", "labels": labels}}}))
    done = run([*COMPOSE, "-f", path, "config", "--format", "json"], env=SETTINGS)
    read = json.loads(done.stdout)["services"]["a"]["labels"]

    # Compose prints a file that may be read again, with every $ doubled.
    ours = {key: blueprint.interpolate(text, SETTINGS) for key, text in labels.items()}
    assert {key: text.replace("$", "$$") for key, text in ours.items()} == read


@pytest.mark.parametrize("text", ["${NAME:?say}", "${NAME?say}", "${1}", "${}", "${NAME", "${a b}"])
def test_a_form_that_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(BlueprintError):
        blueprint.interpolate(text, SETTINGS)


def test_the_caddyfiles_values_are_those_that_compose_gives_the_container() -> None:
    given = {**PUBLIC, "ACME_EMAIL": "me@app.test", "TRUSTED_PROXIES": "10.0.0.0/8 fd00::/8"}
    done = run([*COMPOSE, "-f", paths.COMPOSE_FILE, "config", "--format", "json"], env=given)
    environment = json.loads(done.stdout)["services"]["caddy"]["environment"]
    values = blueprint.caddy_values(compose_file(), given)
    assert {name: environment[name] for name in values} == values


# --- the two projects ----------------------------------------------------------------------------


@pytest.mark.parametrize("roles", CHOICES, ids=lambda roles: "+".join(sorted(roles)))
def test_any_choice_of_roles_is_a_pair_that_compose_accepts(
    tmp_path: Path, roles: frozenset[str]
) -> None:
    projects = split(roles, state=str(tmp_path))
    for role in roles:
        env = tmp_path / APP / "releases" / ID / "env" / f"{role}.env"
        env.parent.mkdir(parents=True, exist_ok=True)
        env.write_text('NAME="value"\n')

    base = config(tmp_path / "base.yaml", projects.base)
    release = config(tmp_path / "compose.yaml", projects.release)

    assert {body["container_name"] for body in release["services"].values()} == {
        f"{APP}-{ID}-{role}" for role in roles
    }
    needs_data = bool(roles & {"api", "worker", "migrate"})
    assert set(base["services"]) == (BASE if needs_data else {"caddy"})
    for body in release["services"].values():
        assert body["environment"] == {"NAME": "value"}


@pytest.mark.parametrize("roles", CHOICES, ids=lambda roles: "+".join(sorted(roles)))
def test_no_release_can_create_data_or_publish_a_port(roles: frozenset[str]) -> None:
    release = split(roles).release
    for name, body in release["services"].items():
        assert body["labels"]["dev.hostwright.role"] in blueprint.ROLES, name
        assert not {"ports", "secrets", "depends_on", "links", "extends"} & set(body)
        assert body["pull_policy"] == "never"
    for kind in ("networks", "volumes"):
        assert all(body["external"] is True for body in release.get(kind, {}).values())
    assert "secrets" not in release
    assert not any("postgres" in text for text in strings(release))


@pytest.mark.parametrize("roles", CHOICES, ids=lambda roles: "+".join(sorted(roles)))
def test_what_a_release_finds_is_made_by_the_base_or_named_as_shared(roles: frozenset[str]) -> None:
    projects, shared = split(roles), blueprint.shared(APP)
    for kind in ("networks", "volumes"):
        wanted = {body["name"] for body in projects.release.get(kind, {}).values()}
        made = {body["name"] for body in projects.base.get(kind, {}).values()}
        assert wanted <= made | set(shared[kind])
        assert not made & set(shared[kind])


def test_two_releases_share_no_name_that_a_container_answers_to() -> None:
    def answered(release: dict[str, Any]) -> set[str]:
        up = {key: body for key, body in release["services"].items() if "profiles" not in body}
        return set(up) | {body["container_name"] for body in release["services"].values()}

    one, two = (split(release_id=release_id).release for release_id in (ID, "20261122t170302z-0"))
    assert not answered(one) & answered(two)
    assert one["name"] != two["name"]
    assert one["services"]["migrate"]["profiles"] == ["migrate"]


def test_only_caddy_publishes_ports_and_only_the_data_network_is_without_a_way_out() -> None:
    base = split().base
    assert [name for name, body in base["services"].items() if "ports" in body] == ["caddy"]
    assert {name for name, body in base["networks"].items() if body.get("internal")} == {"data"}
    assert {body["name"] for body in base["networks"].values()} == {"shop_edge", "shop_data"}


def test_paths_are_absolute_and_carry_the_applications_name() -> None:
    projects = split(state="/srv/state")
    mounted = {
        volume["source"]
        for project in (projects.base, projects.release)
        for body in project["services"].values()
        for volume in body.get("volumes", ())
        if volume["type"] == "bind"
    }
    top = "/srv/state/shop"
    assert mounted == {
        f"{top}/{below}"
        for below in ("caddy", "live", "run", "base/entrypoints", f"releases/{ID}/entrypoints")
    }
    assert (
        projects.base["secrets"]["redis_password"]["file"] == f"{top}/base/secrets/redis_password"
    )
    api = projects.release["services"][f"{APP}-{ID}-api"]
    assert api["env_file"] == [{"path": f"{top}/releases/{ID}/env/api.env", "required": True}]


def test_the_base_does_not_change_when_only_the_caddyfile_would() -> None:
    before = split(settings={"APP_DOMAIN": "one.test"}).base
    after = split(settings={"APP_DOMAIN": "two.test", "ACME_EMAIL": "me@two.test"}).base
    assert before == after
    assert before["services"]["caddy"]["environment"] == {
        "XDG_CONFIG_HOME": "/config",
        "XDG_DATA_HOME": "/data",
    }


def test_a_release_changes_nothing_in_the_base() -> None:
    assert split(release_id="a1").base == split(frozenset({"api"}), release_id="b2").base


def test_an_idle_host_is_not_kept_busy_by_health_checks() -> None:
    projects = split()

    for body in [*projects.base["services"].values(), *projects.release["services"].values()]:
        assert body.get("healthcheck", {"interval": "30s"})["interval"] == "30s"
    assert compose_file()["services"]["postgres"]["healthcheck"]["interval"] == "5s"


def test_images_are_those_that_were_placed_on_the_host() -> None:
    ref = "registry.test/api@sha256:" + "a" * 64
    projects = split(images={"api": ref, "redis": "valkey:8"})
    assert projects.release["services"][f"{APP}-{ID}-api"]["image"] == ref
    assert projects.base["services"]["redis"]["image"] == "valkey:8"
    assert projects.base["services"]["caddy"]["image"] == "caddy:2.11"


@pytest.mark.parametrize("word", ["plain", "a b", "$HOME", "${NAME:-x}", "$$", "it's", '"', "ü"])
def test_a_commands_words_arrive_unchanged(tmp_path: Path, word: str) -> None:
    roles = load().roles
    command = ("serve", word)
    changed = {**roles, "api": roles["api"].model_copy(update={"command": command})}
    project = split(frozenset({"api"}), settings=blueprint.settings_of(changed)).release
    project["services"][f"{APP}-{ID}-api"].pop("env_file")

    read = config(tmp_path / "compose.yaml", project)["services"][f"{APP}-{ID}-api"]["command"]
    assert [text.replace("$$", "$") for text in read] == list(command)


def test_the_contracts_roles_become_settings() -> None:
    settings = blueprint.settings_of(load().roles)
    assert settings["MIGRATE_COMMAND"] == "python -m probe migrate up"
    assert settings["WORKER_HEALTH_COMMAND"] == "python -m probe worker --health"
    assert settings["API_LIVE_PATH"] == "/health"
    assert "WORKER_PORT" not in settings


# --- refusals ------------------------------------------------------------------------------------


def _label(service: str, part: str | None) -> dict[str, Any]:
    document = compose_file()
    labels = document["services"][service]["labels"]
    labels.pop("dev.hostwright.part")
    if part:
        labels["dev.hostwright.part"] = part
    return document


def _with(service: str, **keys: Any) -> dict[str, Any]:  # noqa: ANN401 - YAML is anything
    document = compose_file()
    document["services"][service].update(keys)
    return document


DATA = {"type": "volume", "source": "postgres", "target": "/data"}


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (_label("postgres", "release"), "postgres cannot be part of the release"),
        (_label("api", "base"), "api cannot be part of the base"),
        (_label("redis", None), "redis belongs to no project"),
        (_label("web", "both"), "web belongs to no project"),
        (_with("api", volumes=[DATA]), "volume postgres would belong to the base and to a release"),
        (_with("web", ports=["3000:3000"]), "has ports"),
        (_with("worker", secrets=["postgres_password"]), "has secrets"),
        (_with("web", network_mode="host"), "has network_mode"),
        (_with("caddy", depends_on={"web": {}}), "caddy stays, but depends on web"),
    ],
)
def test_an_edit_that_mixes_the_projects_is_refused(document: dict[str, Any], what: str) -> None:
    with pytest.raises(BlueprintError, match=what):
        split(compose=document)


def test_a_role_that_is_not_there_is_refused() -> None:
    with pytest.raises(BlueprintError, match="no role postgres"):
        split(frozenset({"api", "postgres"}))


@pytest.mark.parametrize("app", ["", "a", "Shop", "shop_1", "-a", "a b", "a" * 21, "../x"])
def test_a_name_that_docker_or_a_path_would_misread_is_refused(app: str) -> None:
    with pytest.raises(BlueprintError, match="container's name"):
        blueprint.split(
            compose_file(),
            app=app,
            release_id=ID,
            roles=frozenset({"api"}),
            images={},
            settings={},
        )


def test_the_longest_names_still_fit_a_host_name() -> None:
    assert len(blueprint.container("a" * 20, ID, "migrate")) <= 63


# --- Caddy ---------------------------------------------------------------------------------------


def caddy_directory(directory: Path, roles: frozenset[str], **settings: str) -> Path:
    """A rendered directory; gives the main file."""
    source = paths.COMPOSE / "caddy"
    texts = {
        path.relative_to(paths.COMPOSE).as_posix(): path.read_text()
        for path in source.rglob("*")
        if path.is_file()
    }
    values = blueprint.caddy_values(compose_file(), settings)
    made = blueprint.caddy_files(texts, app=APP, roles=roles, values=values)
    for name, text in made.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return directory / "caddy" / "Caddyfile"


def hosts(path: Path) -> set[str]:
    """The host names that the real Caddy would serve."""
    caddy = toolchain.find("caddy").argv
    # It makes an authority for localhost, in the user's home by default.
    run([*caddy, "validate", "--config", path], env={"XDG_DATA_HOME": str(path.parent / "data")})
    adapted = json.loads(run([*caddy, "adapt", "--config", path]).stdout)
    servers = adapted["apps"]["http"]["servers"].values()
    routes = [route for server in servers for route in server.get("routes", ())]
    return {
        host
        for route in routes
        for match in route.get("match", ())
        for host in match.get("host", ())
    } - {"127.0.0.1"}


@pytest.mark.parametrize(
    "roles",
    [{"api"}, {"web"}, {"api", "web"}, {"worker"}],
    ids=lambda roles: "+".join(sorted(roles)),
)
@pytest.mark.parametrize("api_domain", ["", "api.app.test"])
def test_caddy_serves_the_roles_that_are_there(
    tmp_path: Path, roles: set[str], api_domain: str
) -> None:
    path = caddy_directory(tmp_path, frozenset(roles), APP_DOMAIN="app.test", API_DOMAIN=api_domain)
    expected = {"app.test"} if "web" in roles else set()
    expected |= {api_domain} if "api" in roles and api_domain else set()
    assert hosts(path) == expected


def test_a_rendered_caddyfile_is_final(tmp_path: Path) -> None:
    path = caddy_directory(tmp_path, blueprint.ROLES, **PUBLIC, ACME_EMAIL="me@app.test")
    texts = [file.read_text() for file in path.parent.rglob("*") if file.is_file()]
    assert not any("{$" in text for text in texts)
    assert "email me@app.test" in path.read_text()
    assert "acme_ca" not in path.read_text()
    sites = sorted(file.relative_to(path.parent) for file in path.parent.rglob("*.caddy"))
    assert [site.as_posix() for site in sites] == ["apps/shop/api.caddy", "apps/shop/web.caddy"]


def test_live_files_name_the_containers_of_the_release() -> None:
    assert blueprint.live_files(APP, ID, frozenset({"web", "worker"})) == {"web": f"{APP}-{ID}-web"}
    containers = {body["container_name"] for body in split().release["services"].values()}
    assert set(blueprint.live_files(APP, ID, blueprint.ROLES).values()) <= containers


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a {$X} b\n", {"X": "1"}, "a 1 b\n"),
        ("a {$X:2} b\n", {}, "a 2 b\n"),
        ("a {$X:2} b\n", {"X": ""}, "a 2 b\n"),
        ("a\n\t{$X}\nb\n", {"X": ""}, "a\nb\n"),
        (
            "a\n\nb {file./live/current/web}:{$P:3000}\n",
            {},
            "a\n\nb {file./live/current/web}:3000\n",
        ),
    ],
)
def test_placeholders_become_text(text: str, values: dict[str, str], expected: str) -> None:
    assert blueprint.render_caddyfile(text, values) == expected


@pytest.mark.parametrize("value", ["a\nb", "a {", "}", '"', "`", "# no", "a\x00", "\\"])
def test_a_value_that_would_change_the_caddyfiles_structure_is_refused(value: str) -> None:
    with pytest.raises(BlueprintError, match="value of X holds"):
        blueprint.render_caddyfile("host {$X}\n", {"X": value})


def test_a_placeholder_without_a_value_is_refused() -> None:
    with pytest.raises(BlueprintError, match="no value"):
        blueprint.render_caddyfile("host {$X}\n", {})
