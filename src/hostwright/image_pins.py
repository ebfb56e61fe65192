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
from hostwright.errors import ToolError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPMessage
    from pathlib import Path

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


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def resolve(ref: str, where: str = "") -> str:
    """The digest that the registry has for *ref* now.

    The manifest is fetched and hashed here: what the registry says about it has to agree.

    Raises:
        ToolError: No answer, no such image, not without a login, or an answer that contradicts
            itself.
    """
    reference = parse(ref)
    try:
        headers, body = _manifest(reference)
    except urllib.error.HTTPError as error:
        error.close()
        raise ToolError(f"{ref}: {_refusal(error.code)}", where=where) from error
    except (OSError, HTTPException, ValueError) as error:  # no connection, TLS, HTTP, JSON
        raise ToolError(
            f"{ref}: the registry {reference.host} does not answer: {error}",
            where=where,
            remedy="Pin where the registry can be reached; nothing was changed.",
        ) from error
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    if headers.get("Docker-Content-Digest", digest) != digest:
        raise ToolError(f"{ref}: the registry's digest is not that of its manifest", where=where)
    return digest


def _refusal(status: int) -> str:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return "the registry gives it only after a login; pin it by hand"
    if status == HTTPStatus.NOT_FOUND:
        return "the registry has no such image"
    return f"the registry answered HTTP {status}"


def _manifest(reference: Reference) -> tuple[HTTPMessage, bytes]:
    try:
        return _get(reference.url)
    except urllib.error.HTTPError as error:
        challenge = error.headers.get("WWW-Authenticate", "")
        if error.code != HTTPStatus.UNAUTHORIZED or not challenge.startswith("Bearer "):
            raise
        error.close()
    return _get(reference.url, _token(challenge))


def _token(challenge: str) -> str:
    """An anonymous token from the address that the registry's challenge names."""
    fields = dict(_CHALLENGE.findall(challenge))
    query = urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
    _, body = _get(f"{fields.get('realm', '')}?{query}")
    answer = json.loads(body)
    if not isinstance(answer, dict):
        raise ValueError("the token service's answer is no JSON object")  # noqa: TRY004 - its data
    return str(answer.get("token") or answer.get("access_token", ""))


def _get(url: str, token: str = "") -> tuple[HTTPMessage, bytes]:
    """GET over HTTPS, or over HTTP on loopback; no proxy stands between us and loopback."""
    headers = {"Accept": ", ".join(MANIFEST_TYPES)}
    request = urllib.request.Request(_checked(url), headers=headers)  # noqa: S310 - just checked
    if token:  # it stays behind when the registry sends us on to another host
        request.add_unredirected_header("Authorization", f"Bearer {token}")
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
