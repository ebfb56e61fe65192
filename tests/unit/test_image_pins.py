"""Pinning is tried on a real registry, Debian's docker-registry, on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from hostwright import image_pins, paths
from hostwright.errors import RegistryLogin, ToolError, UserError
from hostwright.registries import Login
from hostwright.rig import registry as rig_registry
from hostwright.rig import requirements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

OLD = f"sha256:{'0' * 64}"
LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
ISSUER = "tests"
LOGIN = Login("shop-puller", "REGISTRY_PASSWORD", "s3cr3t: of the test")
BASIC = base64.b64encode(f"{LOGIN.username}:{LOGIN.password}".encode()).decode()


# --- references --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "url"),
    [
        ("caddy:2.11", "https://registry-1.docker.io/v2/library/caddy/manifests/2.11"),
        ("grafana/k6:1.0", "https://registry-1.docker.io/v2/grafana/k6/manifests/1.0"),
        ("docker.io/library/redis:8", "https://registry-1.docker.io/v2/library/redis/manifests/8"),
        ("ghcr.io/o/a-b:v1", "https://ghcr.io/v2/o/a-b/manifests/v1"),
        ("registry.test:5000/a/b:1", "https://registry.test:5000/v2/a/b/manifests/1"),
        ("localhost:5000/a:1", "http://localhost:5000/v2/a/manifests/1"),
        ("127.0.0.1:5000/a:1", "http://127.0.0.1:5000/v2/a/manifests/1"),
        ("[::1]:5000/a:1", "http://[::1]:5000/v2/a/manifests/1"),
    ],
)
def test_a_reference_means_what_docker_reads_and_only_loopback_is_plain_http(
    ref: str, url: str
) -> None:
    assert image_pins.parse(ref).url == url


@pytest.mark.parametrize("ref", ["caddy", "Caddy:2", "a b:1", f"caddy:2@{OLD}", "a/:1", ""])
def test_a_reference_without_a_tag_or_of_another_form_is_refused(ref: str) -> None:
    with pytest.raises(UserError, match="repository:tag"):
        image_pins.parse(ref)


@pytest.mark.parametrize(
    ("ref", "repository"),
    [
        ("caddy", "caddy"),
        ("caddy:2.11", "caddy"),
        (f"caddy@{OLD}", "caddy"),
        (f"registry.test:5000/a/b:1@{OLD}", "registry.test:5000/a/b"),
        ("registry.test:5000/a/b", "registry.test:5000/a/b"),
    ],
)
def test_a_repository_has_neither_tag_nor_digest(ref: str, repository: str) -> None:
    assert image_pins.repository(ref) == repository
    assert image_pins.exact(ref, OLD) == f"{repository}@{OLD}"


# --- the file ----------------------------------------------------------------------------------


def test_unpinned_are_those_whose_digest_is_null(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        f'images:\n  a: {{ref: "a:1", digest: "{OLD}"}}\n  b: {{ref: "b:1", digest: null}}\n',
    )
    assert [image.name for image in image_pins.unpinned(path)] == ["b"]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("images: [a]\n", 1, "not a mapping"),
        ("", 1, "not a mapping"),
        ("pictures: {}\n", 1, "not a mapping"),
        ("images:\n  a: {ref: 'a:1'}\n", 2, "images.a needs the keys ref and digest"),
        ("images:\n  a:\n    ref: a\n    digest: null\n", 3, "images.a.ref is not"),
        ("images:\n  a:\n    ref: a:1\n    digest: sha256:12\n", 4, "images.a.digest is not"),
        ("images:\n  a: [1, 2\n", None, "is not YAML"),
    ],
)
def test_a_broken_list_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int | None, what: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError, match=what) as caught:
        image_pins.read(path)
    assert caught.value.where == (f"{path}:{line}" if line else str(path))


def test_a_missing_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        image_pins.unpinned(tmp_path / "images.yaml")


def test_the_list_of_the_vps_blueprint_can_be_read() -> None:
    assert {image.name for image in image_pins.read(paths.IMAGES)} == {"caddy", "postgres", "redis"}


# --- the registry ------------------------------------------------------------------------------


@pytest.mark.engines
def test_pin_writes_the_registrys_digests_and_leaves_the_rest_of_the_file(
    tmp_path: Path, registry: str
) -> None:
    one, two = push(registry, "one", "1"), push(registry, "team/two", "v2")
    before = (
        "# kept\nimages:\n"
        f'  one: {{ref: "{registry}/one:1", digest: null, licence: MIT}} # why this one\n\n'
        f"  two:\n    digest: '{OLD}'   # was older\n    ref: {registry}/team/two:v2\n"
        f"  three:\n    ref: {registry}/one:1\n    digest:\n"
    )
    path = write(tmp_path, before)
    said: list[str] = []

    image_pins.pin(path, said.append)

    after = path.read_text()
    assert after == before.replace("null", f'"{one}"').replace(f"'{OLD}'", f'"{two}"').replace(
        "digest:\n", f'digest: "{one}"\n'
    )
    pinned = yaml.safe_load(after)["images"]
    assert [pinned[name]["digest"] for name in ("one", "two", "three")] == [one, two, one]
    assert image_pins.unpinned(path) == ()
    assert said[:2] == [
        f"one: {registry}/one:1 is now {one}",
        f"two: {registry}/team/two:v2 is now {two}, was {OLD}",
    ]

    image_pins.pin(path, said.append)
    assert path.read_text() == after
    assert said[3] == f"one: {registry}/one:1 is still {one}"


@pytest.mark.engines
def test_the_digest_of_an_index_is_pinned_not_that_of_one_architecture(registry: str) -> None:
    index = push_index(registry, "many")

    assert image_pins.resolve(f"{registry}/many:1") == index


@pytest.mark.engines
def test_nothing_is_written_when_one_image_is_not_in_its_registry(
    tmp_path: Path, registry: str
) -> None:
    push(registry, "here", "1")
    text = (
        f'images:\n  here: {{ref: "{registry}/here:1", digest: null}}\n'
        f'  gone: {{ref: "{registry}/here:2", digest: null}}\n'
    )
    path = write(tmp_path, text)
    with pytest.raises(ToolError, match="the registry has no such image") as caught:
        image_pins.pin(path, pytest.fail)
    assert caught.value.where == f"{path}:3"
    assert path.read_text() == text


@pytest.mark.engines
def test_an_unreachable_registry_is_named_and_nothing_is_written(
    tmp_path: Path, registry_store: Path
) -> None:
    with serving(registry_store) as address:
        pass  # it has ended: nothing listens there any more
    text = f'images:\n  a: {{ref: "{address}/a:1", digest: null}}\n'
    path = write(tmp_path, text)
    with pytest.raises(ToolError, match=f"{address} does not answer"):
        image_pins.pin(path, pytest.fail)
    assert path.read_text() == text


@pytest.mark.engines
def test_a_registry_that_wants_a_token_gets_an_anonymous_one(registry: str, protected: str) -> None:
    expected = push(registry, "public/app", "1")
    assert image_pins.resolve(f"{protected}/public/app:1") == expected


@pytest.mark.engines
def test_an_image_that_no_anonymous_token_opens_needs_a_login(
    registry: str, protected: str
) -> None:
    push(registry, "private/app", "1")
    with pytest.raises(RegistryLogin, match="only after a login") as refused:
        image_pins.resolve(f"{protected}/private/app:1")
    assert f"Set registries.{protected} of the host" in refused.value.remedy


@pytest.mark.engines
def test_a_login_opens_an_image_and_a_wrong_one_is_told_apart_from_no_image(
    registry: str, registry_store: Path
) -> None:
    expected = push(registry, "private/basic", "1")
    with serving(registry_store, htpasswd(registry_store)) as address:
        ref = f"{address}/private/basic:1"
        assert image_pins.resolve(ref, login=LOGIN) == expected
        exact = image_pins.exact(ref, expected)
        blob = config("private/basic")
        assert image_pins.downloads(exact, "amd64", LOGIN) == {digest(blob): len(blob)}
        with pytest.raises(ToolError, match="the registry has no such image"):
            image_pins.resolve(f"{address}/private/none:1", login=LOGIN)
        with pytest.raises(RegistryLogin, match="only after a login"):
            image_pins.resolve(ref)
        wrong = replace(LOGIN, password=f"{LOGIN.password}2")
        with pytest.raises(RegistryLogin, match=f"does not give it to {LOGIN.username}") as refused:
            image_pins.resolve(ref, login=wrong)
    assert "Correct the value of REGISTRY_PASSWORD" in refused.value.remedy
    assert LOGIN.password not in f"{refused.value!r} {refused.value} {LOGIN!r}"


@pytest.mark.engines
def test_a_login_gets_the_token_that_an_anonymous_one_does_not(
    registry: str, protected: str
) -> None:
    expected = push(registry, "private/token", "1")
    assert image_pins.resolve(f"{protected}/private/token:1", login=LOGIN) == expected
    wrong = replace(LOGIN, username="nobody")
    with pytest.raises(RegistryLogin, match="does not give it to"):
        image_pins.resolve(f"{protected}/private/token:1", login=wrong)


def test_a_login_is_not_told_before_it_is_asked_for_nor_to_another_host() -> None:
    told: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            proof = self.headers.get("Authorization", "")
            told.append((self.path, proof))
            if self.path.startswith("/v2/") and not proof:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="x"')
            elif self.path.startswith("/v2/"):
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/blob")  # type: ignore[attr-defined] # it is a TCPServer
            else:
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with listener(Handler) as address:
        assert image_pins.resolve(f"{address}/a:1", login=LOGIN) == digest(b"")
    assert [(path, bool(proof)) for path, proof in told] == [
        ("/v2/a/manifests/1", False),
        ("/v2/a/manifests/1", True),
        ("/blob", False),
    ]


@pytest.mark.parametrize(
    "realm", ["http://registry.test/token", "file:///etc/passwd", "ftp://127.0.0.1/token", ""]
)
def test_a_token_is_asked_for_over_https_only(realm: str) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="s"'}
    with (
        answering(401, challenge) as address,
        pytest.raises(ToolError, match="not an https address"),
    ):
        image_pins.resolve(f"{address}/a:1")


@pytest.mark.parametrize(
    ("status", "headers", "body", "what"),
    [
        (200, {"Docker-Content-Digest": OLD}, b"{}", "not that of its manifest"),
        (302, {"Location": "http://registry.test/"}, b"", "does not answer"),
        (503, {}, b"", "answered HTTP 503"),
    ],
)
def test_an_answer_that_cannot_be_trusted_is_no_digest(
    status: int, headers: dict[str, str], body: bytes, what: str
) -> None:
    with answering(status, headers, body) as address, pytest.raises(ToolError, match=what):
        image_pins.resolve(f"{address}/a:1")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("login", "said"), [(None, "only after a login"), (LOGIN, "give it to")])
def test_a_login_that_is_missing_or_wrong_is_its_own_fault(
    status: int, login: Login | None, said: str
) -> None:
    with (
        answering(status, {"WWW-Authenticate": 'Basic realm="x"'}) as address,
        pytest.raises(RegistryLogin, match=said),
    ):
        image_pins.resolve(f"{address}/a:1", login=login)


def test_a_redirect_to_plain_http_elsewhere_is_not_believed() -> None:
    with answering(200, {}, b"{}") as elsewhere:
        port = elsewhere.rpartition(":")[2]  # 0.0.0.0 arrives there too, and is no loopback address
        with (
            answering(302, {"Location": f"http://0.0.0.0:{port}/"}) as address,
            pytest.raises(ToolError, match="not an https address"),
        ):
            image_pins.resolve(f"{address}/a:1")


def test_what_does_not_speak_http_is_no_registry() -> None:
    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")

    with listener(Handler) as address, pytest.raises(ToolError, match=f"{address} does not answer"):
        image_pins.resolve(f"{address}/a:1")


@pytest.mark.parametrize("body", [b"[]", b"no JSON"])
def test_a_token_service_that_answers_nonsense_is_named_as_the_registrys(body: bytes) -> None:
    with answering(200, {}, body) as service:
        challenge = {"WWW-Authenticate": f'Bearer realm="http://{service}/token"'}
        with answering(401, challenge) as address, pytest.raises(ToolError, match=address):
            image_pins.resolve(f"{address}/a:1")


def test_a_registry_on_loopback_is_asked_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://0.0.0.0:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(200, {}, b"{}") as address:
        assert image_pins.resolve(f"{address}/a:1") == digest(b"{}")


# --- what a pull brings ------------------------------------------------------------------------


@pytest.mark.engines
def test_what_a_pull_brings_is_what_the_manifest_lists(registry: str) -> None:
    name = push(registry, "sized", "1")
    blob = config("sized")
    assert image_pins.downloads(f"{registry}/sized@{name}", "amd64") == {digest(blob): len(blob)}


@pytest.mark.engines
def test_of_an_index_the_hosts_processor_counts_and_another_is_refused(registry: str) -> None:
    name = push_index(registry, "sizes")
    blob = config("sizes")
    ref = f"{registry}/sizes@{name}"

    assert image_pins.downloads(ref, "amd64") == {digest(blob): len(blob)}
    with pytest.raises(UserError, match="not built for arm64, which the host is") as refused:
        image_pins.downloads(ref, "arm64")
    assert refused.value.where == ref


@pytest.mark.engines
def test_the_size_of_an_image_that_is_not_there_is_not_known(registry: str) -> None:
    with pytest.raises(ToolError, match="the registry has no such image"):
        image_pins.downloads(f"{registry}/none@{OLD}", "amd64")


@pytest.mark.parametrize("body", [b"[]", b"no JSON", b"{}"])
def test_a_manifest_of_no_known_kind_has_no_size(body: bytes) -> None:
    with answering(200, {}, body) as address, pytest.raises(ToolError, match="of no kind"):
        image_pins.downloads(f"{address}/a@{digest(body)}", "amd64")


def test_a_manifest_that_is_not_the_digests_own_is_not_believed() -> None:
    with answering(200, {}, b"{}") as address, pytest.raises(ToolError, match="another manifest"):
        image_pins.downloads(f"{address}/a@{OLD}", "amd64")


# --- engines -----------------------------------------------------------------------------------

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
AMD64 = {"architecture": "amd64", "os": "linux"}


@pytest.fixture(scope="module")
def registry_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that the registries of this module share."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry(registry_store: Path) -> Iterator[str]:
    """Address of a registry that anyone may push to."""
    with serving(registry_store) as address:
        yield address


@pytest.fixture(scope="module")
def protected(registry_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a registry with the same content that wants a token, as Docker Hub does."""
    key, certificate = authority()
    bundle = tmp_path_factory.mktemp("token") / "root.pem"
    bundle.write_bytes(certificate)
    with tokens(key, certificate) as realm:
        token = {"realm": realm, "service": "s", "issuer": ISSUER, "rootcertbundle": str(bundle)}
        with serving(registry_store, {"token": token}) as address:
            yield address


@contextmanager
def serving(store: Path, auth: dict[str, object] | None = None) -> Iterator[str]:
    """A docker-registry on a free port of loopback; ended on leaving."""
    settings = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(store)}},
        "http": {"addr": "127.0.0.1:0"},
        **({"auth": auth} if auth else {}),
    }
    file = store / f"config-{next(iter(auth)) if auth else 'open'}.yml"
    file.write_text(yaml.safe_dump(settings))
    argv = [requirements.which("docker-registry"), "serve", str(file)]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - argv is ours
        try:
            yield listening(process)
        finally:
            process.terminate()


def htpasswd(directory: Path) -> dict[str, object]:
    """What makes a registry ask for LOGIN."""
    file = directory / "htpasswd"
    file.write_text(f"{LOGIN.username}:{rig_registry.hashed(LOGIN.password)}\n")
    return {"htpasswd": {"realm": "tests", "path": str(file)}}


def listening(process: subprocess.Popen[bytes]) -> str:
    """The address in the registry's log; the rest of the log is drained aside."""
    log = process.stderr
    assert log is not None
    for line in log:
        if found := LISTENING.search(line.decode()):
            threading.Thread(target=log.read, daemon=True).start()
            return found[1]
    pytest.fail("docker-registry ended before it listened")


@contextmanager
def answering(status: int, headers: dict[str, str], body: bytes = b"") -> Iterator[str]:
    """A server that answers every GET alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with listener(Handler) as address:
        yield address


@contextmanager
def listener(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def tokens(key: RSAPrivateKey, certificate: bytes) -> Iterator[str]:
    """A token service: ``public/…`` is for anyone, the rest for LOGIN alone; yields its realm."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            [scope] = parse_qs(urlsplit(self.path).query)["scope"]
            kind, name, _ = scope.split(":")
            granted: list[dict[str, object]] = [{"type": kind, "name": name, "actions": ["pull"]}]
            known = self.headers.get("Authorization") == f"Basic {BASIC}"
            access = granted if name.startswith("public/") or known else []
            body = json.dumps({"token": signed(key, certificate, access)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with listener(Handler) as address:
        yield f"http://{address}/token"


def authority() -> tuple[RSAPrivateKey, bytes]:
    """A key that signs tokens and its certificate, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)


def signed(key: RSAPrivateKey, certificate: bytes, access: list[dict[str, object]]) -> str:
    """A JSON web token as the registry's token specification wants it."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    pem = certificate.decode().splitlines()[1:-1]
    header = {"typ": "JWT", "alg": "RS256", "x5c": ["".join(pem)]}
    at = int(time.time())
    claims = {"iss": ISSUER, "sub": "", "aud": "s", "exp": at + 300, "nbf": at - 300, "iat": at}
    parts = [header, {**claims, "jti": "1", "access": access}]
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{text}.{encoded(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# --- images ------------------------------------------------------------------------------------


def write(directory: Path, text: str) -> Path:
    path = directory / "images.yaml"
    path.write_text(text)
    return path


def config(name: str) -> bytes:
    return json.dumps({**AMD64, "name": name}).encode()


def manifest(blob: bytes) -> bytes:
    entry = {"mediaType": CONFIG, "size": len(blob), "digest": digest(blob)}
    content = {"schemaVersion": 2, "mediaType": MANIFEST, "config": entry, "layers": []}
    return json.dumps(content).encode()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def push(registry: str, repository: str, tag: str) -> str:
    """Put an image without layers into a registry; gives its digest."""
    base = f"http://{registry}/v2/{repository}"
    blob = config(repository)
    upload = request("POST", f"{base}/blobs/uploads/", b"", "application/octet-stream")
    put(f"{upload}&digest={digest(blob)}", blob, "application/octet-stream")
    content = manifest(blob)
    put(f"{base}/manifests/{tag}", content, MANIFEST)
    return digest(content)


def push_index(registry: str, repository: str) -> str:
    """Put an index of one image for amd64 into a registry; gives the index's digest."""
    child = push(registry, repository, "amd64")
    size = len(manifest(config(repository)))
    member = {"mediaType": MANIFEST, "digest": child, "size": size, "platform": AMD64}
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [member]}).encode()
    put(f"http://{registry}/v2/{repository}/manifests/1", index, INDEX)
    return digest(index)


def put(url: str, body: bytes, kind: str) -> None:
    request("PUT", url, body, kind)


def request(method: str, url: str, body: bytes, kind: str) -> str:
    """Send it; gives the Location that the registry answered with."""
    call = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)  # noqa: S310 - loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(call, timeout=10) as answer:
        return str(answer.headers["Location"])
