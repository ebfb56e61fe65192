"""Pin the container images that hostwright runs but does not build.

``ops/compose/images.yaml`` is the one list of them::

    images:
      caddy:
        ref: "caddy:2.11-alpine"   # what a person chose
        digest: null               # what the registry says it is: "sha256:…"
        licence: Apache-2.0        # this and other keys are not read here

A tag may mean something else tomorrow; a digest cannot. :func:`pin` asks each image's registry
and writes the digests into the file, where a review sees them; nothing else in it changes. The
digest of a multi-architecture image is the one of its index, so that it serves every architecture.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from hostwright import paths
from hostwright.errors import RegistryLogin, ToolError, UserError
from hostwright.runner.registries import canonical

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPMessage
    from pathlib import Path

    from hostwright.registries import Login

#: Indexes first: a registry gives the first kind that it has.
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
#: Seconds a registry may take to answer.
PATIENCE = 20.0
#: Bytes; a registry refuses larger manifests too.
MANIFEST_LIMIT = 4 * 1024**2

_REFERENCE = re.compile(
    r"(?:(?P<host>localhost(?::\d+)?|[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+|\[[0-9a-f:]+\](?::\d+)?)/)?"
    r"(?P<path>[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*)"
    r":(?P<tag>\w[\w.-]{0,127})",
    re.ASCII,
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


class Reference(NamedTuple):
    """Where an image is: registry host (with port), repository, tag."""

    host: str
    repository: str
    tag: str

    @property
    def url(self) -> str:
        """The address of the image's manifest; plain HTTP only on loopback."""
        scheme = "http" if is_loopback(urlsplit(f"//{self.host}").hostname or "") else "https"
        return f"{scheme}://{self.host}/v2/{self.repository}/manifests/{self.tag}"


@dataclass(frozen=True)
class Image:
    """One entry of the list, with the place of its digest in the text of the file."""

    name: str
    ref: str
    digest: str | None
    #: Line of *ref*, counted from 1.
    line: int
    #: Offsets of the digest's value in the text.
    span: tuple[int, int]


def unpinned(path: Path = paths.IMAGES) -> tuple[Image, ...]:
    """The images without a digest.

    Raises:
        UserError: The file is not a list of images.
    """
    return tuple(image for image in read(path) if image.digest is None)


def pin(path: Path, say: Callable[[str], None]) -> None:
    """Ask the registries for every image's digest and write what changed; all or nothing.

    Raises:
        UserError: The file is not a list of images.
        ToolError: A registry does not answer, or does not have the image; nothing was written.
    """
    images = read(path)
    digests = [resolve(image.ref, f"{paths.shown(path)}:{image.line}") for image in images]
    text = path.read_text()
    for image, digest in reversed(list(zip(images, digests, strict=True))):
        start, end = image.span
        space = " " if start == end else ""  # `digest:` with nothing behind it
        text = f'{text[:start]}{space}"{digest}"{text[end:]}'
    path.write_text(text)
    for image, digest in zip(images, digests, strict=True):
        say(f"{image.name}: {image.ref} {_change(image.digest, digest)}")


def _change(before: str | None, after: str) -> str:
    if before == after:
        return f"is still {after}"
    return f"is now {after}" + (f", was {before}" if before else "")


# --- the file ----------------------------------------------------------------------------------


def read(path: Path) -> tuple[Image, ...]:
    """The images in the order of the file.

    Raises:
        UserError: The file is missing or is not a list of images; says at which line.
    """
    import yaml

    try:
        document = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except FileNotFoundError as error:
        raise UserError("no such file", where=paths.shown(path)) from error
    except yaml.YAMLError as error:
        raise UserError(f"is not YAML: {error}", where=paths.shown(path)) from error
    entries = _fields(document, path).get("images")
    return tuple(_image(name, node, path) for name, node in _fields(entries, path).items())


def _image(name: str, node: object, path: Path) -> Image:
    fields = _fields(node, path)
    if set(fields) - {"licence"} != {"ref", "digest"}:
        raise _fault(path, node, f"images.{name} needs the keys ref and digest (and maybe licence)")
    ref, digest = fields["ref"], fields["digest"]
    pinned = None if digest.tag.endswith(":null") else str(digest.value)
    if pinned is not None and not _DIGEST.fullmatch(pinned):
        raise _fault(path, digest, f"images.{name}.digest is not null or sha256:<64 hex digits>")
    if not _REFERENCE.fullmatch(str(ref.value)):
        raise _fault(path, ref, f"images.{name}.ref is not [registry/]repository:tag")
    line = ref.start_mark.line + 1
    return Image(name, ref.value, pinned, line, (digest.start_mark.index, digest.end_mark.index))


def _fields(node: object, path: Path) -> dict[str, Any]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise _fault(path, node, "is not a mapping; the format is images: {name: {ref, digest}}")
    return {key.value: value for key, value in node.value}


def _fault(path: Path, node: object, what: str) -> UserError:
    mark = getattr(node, "start_mark", None)
    line = mark.line + 1 if mark else 1
    return UserError(what, where=f"{paths.shown(path)}:{line}")


# --- the registry ------------------------------------------------------------------------------


def parse(ref: str) -> Reference:
    """``caddy:2.11`` is ``library/caddy`` on Docker Hub, as Docker reads it.

    Raises:
        UserError: It is not ``[registry/]repository:tag``.
    """
    match = _REFERENCE.fullmatch(ref)
    if match is None:
        raise UserError("is not [registry/]repository:tag", where=ref)
    host, path, tag = match["host"], match["path"], match["tag"]
    if host in (None, "docker.io", "index.docker.io"):
        repository = path if "/" in path else f"library/{path}"
        return Reference("registry-1.docker.io", repository, tag)
    return Reference(host, path, tag)


def repository(reference: str) -> str:
    """A reference without its tag and its digest."""
    name = reference.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def exact(reference: str, digest: str) -> str:
    """The one way in which an engine lists an image that it has by digest: without a tag."""
    return f"{repository(reference)}@{digest}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def resolve(ref: str, where: str = "", login: Login | None = None) -> str:
    """The digest that the registry has for *ref* now.

    The manifest is fetched and hashed here: what the registry says about it has to agree.

    Raises:
        RegistryLogin: Not without a login, or not with *login*.
        ToolError: No answer, no such image, or an answer that contradicts itself.
    """
    headers, body = _asked(ref, parse(ref), where, login)
    digest = _digest_of(body)
    if headers.get("Docker-Content-Digest", digest) != digest:
        raise ToolError(f"{ref}: the registry's digest is not that of its manifest", where=where)
    return digest


def downloads(ref: str, architecture: str, login: Login | None = None) -> dict[str, int]:
    """What a host without any layer downloads to pull an image by digest.

    Args:
        ref: ``repository@sha256:…``.
        architecture: The host's processor in Docker's word, which an index lists.
        login: For the registry, where it asks for one.

    Returns:
        Each part's size in bytes, by its digest: images share parts.

    Raises:
        UserError: The image is not built for that processor.
        RegistryLogin: As for :func:`resolve`.
        ToolError: As for :func:`resolve`, or the registry's manifest is none.
    """
    manifest = _described(ref, login)
    if "manifests" in manifest:
        fitting = [
            entry["digest"]
            for entry in manifest["manifests"]
            if entry.get("platform", {}).get("architecture") == architecture
        ]
        if not fitting:
            raise UserError(
                f"is not built for {architecture}, which the host is",
                where=ref,
                remedy=f"Build it with `docker build --platform linux/{architecture} …`.",
            )
        manifest = _described(exact(ref, fitting[0]), login)
    parts = (manifest["config"], *manifest["layers"])
    return {str(part["digest"]): int(part["size"]) for part in parts}


def _described(ref: str, login: Login | None) -> dict[str, Any]:
    """The manifest that a digest names."""
    digest = ref.partition("@")[2]
    _, body = _asked(ref, parse(f"{repository(ref)}:tag")._replace(tag=digest), "", login)
    if _digest_of(body) != digest:
        raise ToolError(f"{ref}: the registry answers with another manifest")
    try:
        manifest = json.loads(body)
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not ("manifests" in manifest or "layers" in manifest):
        raise ToolError(f"{ref}: its manifest is of no kind that is known here")
    return manifest


def _asked(
    ref: str, reference: Reference, where: str, login: Login | None
) -> tuple[HTTPMessage, bytes]:
    try:
        return _manifest(reference, login)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise _no_login(ref, canonical(reference.host), where, login) from error
        raise ToolError(f"{ref}: {_refusal(error.code)}", where=where) from error
    except (OSError, HTTPException, ValueError) as error:  # no connection, TLS, HTTP, JSON
        reason = getattr(error, "reason", error)  # urllib puts the cause into angle brackets
        raise ToolError(
            f"{ref}: the registry {reference.host} does not answer: {reason}",
            where=where,
            remedy="Pin where the registry can be reached; nothing was changed.",
        ) from error


def _digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _refusal(status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "the registry has no such image"
    return f"the registry answered HTTP {status}"


def _no_login(ref: str, name: str, where: str, login: Login | None) -> RegistryLogin:
    """Which login is missing or wrong, and where it is set."""
    if login is None:
        return RegistryLogin(
            f"{ref}: the registry {name} gives it only after a login",
            where=where,
            remedy=f"Set registries.{name} of the host in hosts.yaml: username, and password_from, "
            "the name of one of its values. An image of images.yaml is pinned by hand.",
        )
    return RegistryLogin(
        f"{ref}: the registry {name} does not give it to {login.username}",
        where=where,
        remedy=f"Correct the value of {login.variable} (registries.{name}.password_from in "
        "hosts.yaml), or let that account read the image. Nothing was touched.",
    )


def _manifest(reference: Reference, login: Login | None) -> tuple[HTTPMessage, bytes]:
    try:
        return _get(reference.url)
    except urllib.error.HTTPError as error:
        challenge = error.headers.get("WWW-Authenticate", "")
        if error.code != HTTPStatus.UNAUTHORIZED:
            raise
        scheme = challenge.partition(" ")[0].lower()
        if scheme != "bearer" and not (scheme == "basic" and login):
            raise
        error.close()
    proof = f"Bearer {_token(challenge, login)}" if scheme == "bearer" else _basic(login)
    return _get(reference.url, proof)


def _basic(login: Login | None) -> str:
    """A login as a header carries it; nothing without one."""
    if login is None:
        return ""
    return "Basic " + base64.b64encode(f"{login.username}:{login.password}".encode()).decode()


def _token(challenge: str, login: Login | None) -> str:
    """A token from the address that the registry's challenge names; anonymous without a login."""
    fields = dict(_CHALLENGE.findall(challenge))
    query = urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    _, body = _get(f"{fields.get('realm', '')}?{query}", _basic(login))
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the token service's answer is no JSON object")  # noqa: TRY004 - its data
    return str(answer.get("token") or answer.get("access_token", ""))


def _get(url: str, proof: str = "") -> tuple[HTTPMessage, bytes]:
    """GET over HTTPS, or over HTTP on loopback; no proxy stands between us and loopback."""
    headers = {"Accept": ", ".join(MANIFEST_TYPES)}
    request = urllib.request.Request(_checked(url), headers=headers)  # noqa: S310 - just checked
    if proof:  # it stays behind when the registry sends us on to another host
        request.add_unredirected_header("Authorization", proof)
    local = is_loopback(urlsplit(url).hostname or "")
    handlers = [urllib.request.ProxyHandler({})] if local else []
    with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE) as answer:
        _checked(answer.url)
        return answer.headers, answer.read(MANIFEST_LIMIT)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return url
    raise ValueError(f"{url} is not an https address")
