"""A real plugin: what Terraform finds in a directory, starts, and speaks to over TLS.

It stands in for a provider of which nobody has to know that it answers from a schema.
"""

from __future__ import annotations

import base64
import datetime as dt
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.unit.terraform.lab import LAB

from hostwright import paths
from hostwright.terraform.provider.marks import Marks
from hostwright.terraform.provider.server import handlers
from hostwright.terraform.provider.service import Service
from hostwright.terraform.providers import machine

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """#!{python}
import sys
sys.path[:0] = {path!r}
from tests.unit.terraform.plugin import serve
serve()
"""


def install(place: Path, version: str) -> None:
    """Lay the plugin out below *place* as Terraform looks for it."""
    directory = place / "registry.terraform.io" / "hashicorp" / "lab" / version / machine()
    directory.mkdir(parents=True)
    program = directory / f"terraform-provider-lab_v{version}"
    path = [str(paths.ROOT), str(paths.ROOT / "src")]
    program.write_text(SCRIPT.format(python=sys.executable, path=path))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def serve() -> None:
    """Say where the plugin listens, and answer until Terraform ends it."""
    import grpc

    key, pem, der = _certificate()
    with TemporaryDirectory() as home:
        server = grpc.server(ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers(tuple(handlers(Service(LAB, "unknown", Marks()))))
        stop = threading.Event()
        ended = grpc.unary_unary_rpc_method_handler(lambda _request, _context: _end(stop))
        controller = grpc.method_handlers_generic_handler(
            "plugin.GRPCController", {"Shutdown": ended}
        )
        server.add_generic_rpc_handlers((controller,))
        credentials = grpc.ssl_server_credentials([(key, pem)])
        server.add_secure_port(f"unix:{home}/s", credentials)
        server.start()
        told = base64.b64encode(der).decode().rstrip("=")
        sys.stdout.write(f"1|6|unix|{home}/s|grpc|{told}\n")
        sys.stdout.flush()
        stop.wait()
        server.stop(grace=0.1).wait()


def _end(stop: threading.Event) -> bytes:
    stop.set()
    return b""


def _certificate() -> tuple[bytes, bytes, bytes]:
    """A key, its certificate for localhost, and the same as DER."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return (
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(pem),
        certificate.public_bytes(serialization.Encoding.DER),
    )
