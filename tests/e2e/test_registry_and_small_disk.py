"""A server whose images come from a registry, and whose disk is small: one server for both."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from hostwright.errors import PreflightError, RegistryLogin, ToolError, ValuesError
from hostwright.rig import Rig, disk
from hostwright.rig.scene import APP_DOMAIN, HOST, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hostwright.rig.registry import Registry
    from hostwright.run import Completed

pytestmark = pytest.mark.server

DISK_MIB = 1700
#: What nobody can compress, so that its download lasts and its size is what it says.
HEAVY_MB = 60
HEAVY = f"FROM probe:2\nUSER root\nRUN head -c {HEAVY_MB}000000 /dev/urandom > /heavy\nUSER 10001\n"
STATE = "/var/lib/hostwright/app"
USER, VARIABLE = "shop-puller", "REGISTRY_PASSWORD"
#: Where a password could lie on a server: all that its processes write to.
WRITTEN = ("/var", "/root", "/home", "/etc", "/run", "/tmp", "/usr/local")  # noqa: S108


class Shop:
    """The operator, the registry that their images lie in, and the server that pulls them."""

    def __init__(self, scene: Scene, registry: Registry) -> None:
        self.scene = scene
        self.registry = registry
        self.server = scene.server
        #: Each version of the application in the registry, by digest.
        self.probe: dict[str, str] = {}

    def push(self, local: str, name: str) -> str:
        """Push an image of the rig's engine under a name; it is left there and gone here."""
        reference = f"{self.registry.address}/{name}"
        docker = self.scene.rig.engine.docker
        docker("tag", local, reference)
        docker("push", "--quiet", reference)
        shown = docker("image", "inspect", "--format", "{{json .RepoDigests}}", reference).stdout
        docker("rmi", "--no-prune", reference)
        exact: list[str] = json.loads(shown)
        return next(name for name in exact if name.startswith(self.registry.address))

    def deploy(self, reference: str, *words: str, check: bool = True) -> Completed:
        """Deploy one image for every role."""
        images = [word for role in ("api", "web") for word in ("--image", f"{role}={reference}")]
        done = self.scene.invoke("vps.deploy", "--host", HOST, *images, *words, check=check)
        assert self.scene.seen(done) == []
        assert "Traceback" not in done.stderr
        return done

    def refused(self, reference: str) -> Completed:
        """A deploy that the host cannot take; who served before still does, and nothing is open."""
        before = self.serving()
        done = self.deploy(reference, check=False)
        assert done.exit_code == PreflightError.exit_code, done.stderr
        assert self.serving() == before
        assert self.open_work() == ""
        return done

    def serving(self) -> str | None:
        """The version that answers; None where nothing was ever deployed."""
        if self.link() is None:
            return None
        return self.scene.serving()

    def link(self) -> str | None:
        """The release that the live link names."""
        done = self.server.exec(["readlink", f"{STATE}/live/current"], check=False)
        return done.stdout.strip() or None

    def open_work(self) -> str:
        """The journal of an operation that did not come to its end."""
        return self.server.exec(["cat", f"{STATE}/journal.json"], check=False).stdout

    def releases(self) -> list[str]:
        return self.server.exec(["ls", f"{STATE}/releases"]).stdout.split()

    def manifest(self) -> dict[str, Any]:
        """The manifest of the release that serves."""
        path = f"{STATE}/releases/{self.link()}/manifest.json"
        manifest: dict[str, Any] = json.loads(self.server.exec(["cat", path]).stdout)
        return manifest

    def host_images(self) -> str:
        """Every name that the host's engine knows an image by."""
        form = "{{.Repository}}:{{.Tag}}@{{.Digest}}"
        return self.server.exec(["docker", "images", "--digests", "--format", form]).stdout

    def downloads(self) -> int:
        """How often somebody fetched a layer or a configuration from the registry."""
        return len(re.findall(r'"GET /v2/[^"]*/blobs/', self.registry.requests()))

    def works(self) -> bool:
        """Whether a job is done by the version that serves."""
        item = self.scene.do_job()
        return bool(item["state"] == "done" and item["done_by"] == self.scene.serving())


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Rig(f"small-{os.getpid()}") as rig:
        scene = Scene.set_up(rig, versions=("1", "2", "3"))
        made = Shop(scene, rig.registry)
        disk.attach(scene.server, DISK_MIB, ["/var/lib/docker", "/var/lib/hostwright"])
        rig.registry.introduce(scene.server)
        scene.variables["SSL_CERT_FILE"] = str(rig.registry.authority)
        scene.trust()
        with ThreadPoolExecutor(1) as beside:
            provisioned = beside.submit(scene.invoke, "vps.provision", "--host", HOST)
            base = {name: made.push(scene.images[name], name) for name in ("caddy", "postgres")}
            base["redis"] = made.push(scene.images["redis"], "cache/redis:8")
            made.probe = {
                number: made.push(f"probe:{number}", f"probe:{number}") for number in "123"
            }
            provisioned.result()
        scene.settings |= {"transport": "registry", "base_images": base}
        scene.write_hosts()
        yield made


@pytest.fixture(scope="module")
def heavy(shop: Shop) -> Iterator[str]:
    """An image of the rig's engine that is large and not on the server."""
    docker = shop.scene.rig.engine.docker
    docker("build", "--quiet", "--tag", "probe:heavy", "-", stdin=HEAVY.encode())
    yield "probe:heavy"
    docker("rmi", "probe:heavy")


@pytest.fixture(autouse=True)
def as_it_was(shop: Shop) -> Iterator[None]:
    yield
    disk.make_room(shop.server)
    shop.scene.write_hosts()


#: Waits until the filler has ended, and says how: a unit that ended well is still there.
FILLED = (
    "of() { systemctl show --property=SubState --value filler.service; }; "
    'while [ "$(of)" = running ]; do sleep 0.1; done; of'
)


@contextlib.contextmanager
def filled_when(shop: Shop, condition: str) -> Iterator[None]:
    """Fill the disk to its last block at the moment when a shell condition becomes true."""
    script = f"until {condition}; do sleep 0.01; done; {disk.FILL}"
    unit = ["systemd-run", "--quiet", "--collect", "--unit=filler"]
    kept = "--property=RemainAfterExit=yes"
    shop.server.exec([*unit, kept, "timeout", "120", "sh", "-c", script])
    try:
        yield
        assert shop.server.exec(["sh", "-c", FILLED]).stdout.strip() == "exited"
        assert disk.free(shop.server) == 0
    finally:
        shop.server.exec(["systemctl", "stop", "filler.service"], check=False)


def one_sentence(done: Completed, words: str) -> None:
    """What went wrong is said once, without a log."""
    assert done.stderr.count(words) == 1
    assert "    " not in done.stderr.partition(words)[2]


# -- from a registry -------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_with_numbers_before_anything_is_pulled(shop: Shop) -> None:
    disk.leave(shop.server, 400)
    before = shop.downloads()

    done = shop.refused(shop.probe["1"])

    assert "MiB to load the images and 256 MiB that stay free, the host has 400 MiB" in done.stderr
    assert "Make room on it" in done.stderr
    assert shop.releases() == []
    assert shop.host_images() == ""
    assert shop.downloads() == before


def test_a_tag_becomes_a_digest_before_the_host_is_asked(shop: Shop) -> None:
    tag = f"{shop.registry.address}/probe:1"

    planned = shop.deploy(tag, "--dry-run")

    rows = dict(line.split() for line in planned.stdout.splitlines() if "@" in line)
    assert {rows[role] for role in ("api", "web", "worker", "migrate")} == {shop.probe["1"]}


def test_the_host_pulls_by_digest_and_nothing_is_sent(shop: Shop) -> None:
    before = shop.downloads()

    done = shop.deploy(f"{shop.registry.address}/probe:1")

    assert shop.downloads() > before
    assert f"serves https://{APP_DOMAIN}" in done.stdout
    assert "IMAGES" not in done.stderr
    assert shop.serving() == "1"
    assert shop.works()
    images = shop.manifest()["images"]
    assert {images[role]["ref"] for role in ("api", "web", "worker", "migrate")} == {
        shop.probe["1"]
    }
    held = shop.host_images()
    assert "hostwright/" not in held
    assert shop.probe["1"].partition("@")[2] in held


def test_a_second_deploy_pulls_nothing(shop: Shop) -> None:
    before = shop.downloads()

    done = shop.deploy(f"{shop.registry.address}/probe:1")

    assert "pull" not in done.stderr
    assert shop.downloads() == before
    assert {image["pull"] for image in shop.manifest()["images"].values()} == {False}
    assert shop.manifest()["images"]["api"]["ref"] == shop.probe["1"]


def test_a_tag_that_moved_is_another_release_and_rollback_returns_to_the_digest(shop: Shop) -> None:
    tag = f"{shop.registry.address}/probe:1"
    shop.push("probe:2", "probe:1")
    try:
        shop.deploy(tag)
        assert shop.serving() == "2"
        assert shop.manifest()["images"]["api"]["ref"] == shop.probe["2"]

        shop.scene.invoke("vps.rollback", "--host", HOST)
    finally:
        shop.push("probe:1", "probe:1")

    assert shop.serving() == "1"
    assert shop.manifest()["images"]["api"]["ref"] == shop.probe["1"]


def test_without_the_registry_a_host_that_has_the_image_deploys_it(shop: Shop) -> None:
    shop.registry.switch_off()
    try:
        shop.deploy(shop.probe["2"])
        assert shop.serving() == "2"
        assert shop.works()

        asked = shop.deploy(f"{shop.registry.address}/probe:1", check=False)
    finally:
        shop.registry.switch_on()

    assert asked.exit_code == ToolError.exit_code
    one_sentence(asked, "does not answer: [Errno 111] Connection refused")
    assert f"Give {shop.registry.address}/probe@sha256:" in asked.stderr
    assert shop.serving() == "2"


def test_without_the_registry_an_image_that_the_host_lacks_is_refused_and_traffic_stays(
    shop: Shop,
) -> None:
    running = shop.server.exec(["docker", "ps", "-aq", "--no-trunc"]).stdout
    shop.registry.switch_off()
    try:
        done = shop.refused(shop.probe["3"])
    finally:
        shop.registry.switch_on()

    one_sentence(done, "the host could not pull the image:")
    assert "connection refused" in done.stderr
    assert shop.probe["3"] in done.stderr
    assert shop.server.exec(["docker", "ps", "-aq", "--no-trunc"]).stdout == running

    shop.deploy(shop.probe["3"])
    assert shop.serving() == "3"


def test_an_image_that_the_registry_does_not_have_is_refused(shop: Shop) -> None:
    gone = f"{shop.probe['1'].partition('@')[0]}@sha256:{'0' * 64}"

    done = shop.refused(gone)

    one_sentence(done, "the host could not pull the image:")
    assert "Check its name and digest" in done.stderr


# -- from a registry that asks for a login ---------------------------------------------------------


class Private:
    """An image of version 2 in the registry, which asks for a login from now on.

    It has a layer of its own: what an engine has of another image needs no login.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.password = secrets.token_hex(16)
        layer = f"RUN echo {secrets.token_hex(8)} > /opt/own"
        own = f"FROM probe:2\nUSER root\n{layer}\nUSER 10001:10001\n"
        docker = shop.scene.rig.engine.docker
        docker("build", "--quiet", "--tag", "probe:private", "-", stdin=own.encode())
        self.exact = shop.push("probe:private", "private/probe:2")
        self.tag = f"{shop.registry.address}/private/probe:2"
        self.values = shop.scene.env_file.read_text()
        shop.registry.ask_for_login(USER, self.password)

    def log_in(self, password: str) -> None:
        """Say in hosts.yaml whose login it is, and in the values what its password is.

        No release stays warm: the way back to one needs no image.
        """
        login = {"username": USER, "password_from": VARIABLE}
        registries = {self.shop.registry.address: login}
        self.shop.scene.write_hosts(registries=registries, warm_seconds=0)
        self.shop.scene.env_file.write_text(f'{self.values}\n{VARIABLE}="{password}"\n')

    def traces(self) -> list[str]:
        """The files of the server that have the password, in clear or as a header carries it."""
        whole = f"{USER}:{self.password}".encode()
        told = {
            "username": USER,
            "password": self.password,
            "serveraddress": self.shop.registry.address,
        }
        forms = [
            self.password,
            base64.b64encode(whole).decode(),
            base64.urlsafe_b64encode(json.dumps(told).encode()).decode(),
        ]
        argv = ["grep", "-rlaF", "-f", "-", *WRITTEN]
        found = self.shop.server.exec(argv, stdin="\n".join(forms).encode(), check=False)
        journal = self.shop.server.exec(["journalctl", "--no-pager", "--output=cat"]).stdout
        return [*found.stdout.split(), *(form for form in forms if form in journal)]

    def end(self) -> None:
        self.shop.scene.env_file.write_text(self.values)
        self.shop.scene.rig.engine.docker("rmi", "probe:private")
        self.shop.registry.let_everybody_in()


@pytest.fixture
def private(shop: Shop) -> Iterator[Private]:
    made = Private(shop)
    yield made
    made.end()


def test_an_image_that_needs_a_login_says_which_one_is_missing(
    shop: Shop, private: Private
) -> None:
    asked = shop.deploy(private.tag, check=False)

    assert asked.exit_code == RegistryLogin.exit_code
    one_sentence(asked, f"the registry {shop.registry.address} gives it only after a login")
    assert f"Set registries.{shop.registry.address} of the host" in asked.stderr

    done = shop.refused(private.exact)  # the host's own Docker might have had a login
    one_sentence(done, "gives the image only after a login, and none came along")
    assert f"Set registries.{shop.registry.address} of the host" in done.stderr


def test_a_wrong_password_is_refused_before_anything_changes(shop: Shop, private: Private) -> None:
    private.log_in("wrong-" + private.password)
    serving, releases, held = shop.serving(), shop.releases(), shop.host_images()

    for reference in (private.tag, private.exact):
        done = shop.deploy(reference, check=False)
        assert done.exit_code == RegistryLogin.exit_code, done.stderr
        one_sentence(done, f"the registry {shop.registry.address} does not give it to {USER}")
        assert f"Correct the value of {VARIABLE}" in done.stderr

    private.log_in("")
    none = shop.deploy(private.exact, check=False)
    assert none.exit_code == ValuesError.exit_code
    assert f"no value for {VARIABLE}" in none.stderr
    assert (shop.serving(), shop.releases(), shop.host_images()) == (serving, releases, held)


def test_a_login_pulls_and_leaves_no_password_on_the_server(shop: Shop, private: Private) -> None:
    private.log_in(private.password)

    images = [word for role in ("api", "web") for word in ("--image", f"{role}={private.tag}")]
    planned = shop.scene.invoke("vps.plan", "--host", HOST, *images)
    assert shop.scene.seen(planned) == []
    assert "not known" not in planned.stderr
    shop.deploy(private.tag)

    assert shop.serving() == "2"
    assert shop.works()
    assert shop.manifest()["images"]["api"]["ref"] == private.exact
    assert private.traces() == []


def test_a_rollback_brings_the_login_for_an_image_that_was_removed(
    shop: Shop, private: Private
) -> None:
    private.log_in(private.password)
    shop.deploy(private.tag)
    shop.deploy(shop.probe["1"])
    shop.server.exec(["docker", "rmi", "--force", private.exact])

    private.log_in("wrong-" + private.password)
    done = shop.scene.invoke("vps.rollback", "--host", HOST, check=False)
    assert done.exit_code == PreflightError.exit_code, done.stderr
    assert f"does not give the image to {USER}" in done.stderr
    assert shop.scene.seen(done) == []
    assert (shop.serving(), shop.open_work()) == ("1", "")

    private.log_in(private.password)
    shop.scene.invoke("vps.rollback", "--host", HOST)
    assert shop.serving() == "2"
    assert shop.works()
    assert private.traces() == []


def test_what_looks_for_the_password_finds_it(shop: Shop, private: Private) -> None:
    """Otherwise the absence of a trace above would mean nothing."""
    planted = f"{STATE}/planted"
    shop.server.exec(["tee", planted], stdin=f'{{"password": "{private.password}"}}'.encode())
    try:
        assert private.traces() == [planted]
    finally:
        shop.server.exec(["rm", planted])


# -- a disk that fills up --------------------------------------------------------------------------


def test_a_disk_that_fills_up_while_an_image_is_pulled(shop: Shop, heavy: str) -> None:
    exact = shop.push(heavy, "probe:heavy")

    with filled_when(shop, "ls /var/lib/docker/tmp/GetImageBlob* >/dev/null 2>&1"):
        done = shop.refused(exact)
    assert f"the disk filled up while {exact} was pulled" in done.stderr
    assert "Make room" in done.stderr

    disk.make_room(shop.server)
    shop.deploy(shop.probe["1"])
    assert shop.serving() == "1"
    assert shop.works()


def test_images_that_do_not_fit_are_refused_before_they_are_sent(shop: Shop, heavy: str) -> None:
    shop.scene.write_hosts(transport="auto")
    disk.leave(shop.server, 256 + 2 * HEAVY_MB - 50)
    releases = shop.releases()

    done = shop.refused(heavy)

    assert "Nothing was sent" in done.stderr
    assert f" {256 + 2 * HEAVY_MB - 50} MiB of disk left" in done.stderr
    assert shop.releases() == releases


def test_a_disk_that_fills_up_while_images_are_loaded(shop: Shop, heavy: str) -> None:
    shop.scene.write_hosts(transport="auto")
    releases = shop.releases()

    with filled_when(shop, "ls -d /var/lib/docker/tmp/docker-import-* >/dev/null 2>&1"):
        done = shop.refused(heavy)

    assert "the disk filled up while the images were loaded" in done.stderr
    assert shop.releases() == releases
    assert "docker-import" not in shop.server.exec(["ls", "/var/lib/docker/tmp"]).stdout


def test_a_disk_that_fills_up_while_containers_are_made(shop: Shop) -> None:
    newest = f"ls -d {STATE}/releases/*/jobs.json | tail -n 1"  # written just before
    before = shop.server.exec(["sh", "-c", newest]).stdout.strip()

    with filled_when(shop, f'[ "$({newest})" != {before} ]'):
        done = shop.deploy(shop.probe["2"], check=False)
        assert done.exit_code != 0
        assert "no space left on device" in done.stderr.lower()
        assert shop.open_work() == ""
        assert shop.serving() == "1"

    disk.make_room(shop.server)
    told = json.loads(shop.scene.invoke("vps.status", "--host", HOST, "--json").stdout)
    assert told["pending"] is None
    # New: where not even that it failed could be written. Neither can be rolled back to.
    assert told["releases"][0]["state"] in {"failed", "new"}
    shop.deploy(shop.probe["2"])
    assert shop.serving() == "2"
    assert shop.works()


def test_a_disk_that_is_nearly_full_does_not_keep_a_rollback_from_serving(shop: Shop) -> None:
    disk.leave(shop.server, 40)

    told = shop.scene.invoke("vps.status", "--host", HOST)
    assert "Serving now: " in told.stdout
    shop.scene.invoke("vps.rollback", "--host", HOST)

    assert shop.serving() == "1"
    assert shop.works()


def test_on_a_disk_without_a_single_free_block_a_deploy_is_refused_with_the_number(
    shop: Shop,
) -> None:
    shop.server.exec(["sh", "-c", disk.FILL])

    done = shop.refused(shop.probe["2"])

    assert "the host has 0 MiB of disk left, the release needs 256 MiB" in done.stderr
