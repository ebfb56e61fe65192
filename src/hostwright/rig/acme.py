"""A certificate authority for names that exist nowhere: pebble, and the DNS it asks."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostwright.errors import ToolError
from hostwright.rig import processes
from hostwright.rig.requirements import which
from hostwright.rig.resources import Directory

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, KeyUsage

    from hostwright.rig.ledger import Ledger

DIRECTORY_PORT = 14000
MANAGEMENT_PORT = 15000
DNS_PORT = 8053
NAMES_PORT = 8055
START_SECONDS = 15.0


@dataclass(frozen=True)
class Acme:
    """A running authority.

    Attributes:
        directory_url: Where ACME clients start (Caddy: ``acme_ca``).
        api_pem: The authority of the directory's own certificate (Caddy: ``acme_ca_root``).
        root_pem: The root of the certificates it issues, for whoever visits the sites.
        names_url: The management address of its DNS.
    """

    directory_url: str
    api_pem: Path
    root_pem: Path
    names_url: str

    def point(self, address: str, *names: str) -> None:
        """Let names resolve to an address; without names, every name that was not pointed yet."""
        if not names:
            self._tell("set-default-ipv4", {"ip": address})
        for name in names:
            self._tell("add-a", {"host": f"{name}.", "addresses": [address]})

    def _tell(self, what: str, body: dict[str, object]) -> None:
        fetch(f"{self.names_url}/{what}", data=json.dumps(body).encode())


def settings(address: str, home: Path) -> dict[str, object]:
    """Pebble's configuration: the real ports, since it reaches the real server."""
    return {
        "pebble": {
            "listenAddress": f"{address}:{DIRECTORY_PORT}",
            "managementListenAddress": f"{address}:{MANAGEMENT_PORT}",
            "certificate": str(home / "api.pem"),
            "privateKey": str(home / "api.key"),
            "httpPort": 80,
            "tlsPort": 443,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
    }


def names_command(address: str, server: str) -> list[str]:
    """The DNS server that answers every question for an address with *server*."""
    return [
        which("pebble-challtestsrv"),
        *("-defaultIPv4", server, "-defaultIPv6", ""),
        *("-dns01", f"{address}:{DNS_PORT}", "-management", f"{address}:{NAMES_PORT}"),
        *("-http01", "", "-https01", "", "-tlsalpn01", ""),
    ]


def start(ledger: Ledger, address: str, server: str) -> Acme:
    """Start the authority on an address that servers reach, with all names at *server*.

    Raises:
        ToolError: It did not start.
    """
    home = ledger.home / "acme"
    ledger.add(Directory(str(home)))
    home.mkdir(mode=0o700)
    write_certificates(home, address)
    (home / "pebble.json").write_text(json.dumps(settings(address, home)))
    ledger.add(processes.start(names_command(address, server), log=home / "names.log"))
    pebble = [which("pebble"), "-config", str(home / "pebble.json")]
    ledger.add(
        processes.start(
            [*pebble, "-dnsserver", f"{address}:{DNS_PORT}"],
            log=home / "pebble.log",
            # By default it waits up to 15 s before it looks, and refuses 5 % of good requests.
            env={"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"},
        )
    )
    _save_root(home, address)
    base = f"https://{address}:{DIRECTORY_PORT}"
    return Acme(f"{base}/dir", home / "ca.pem", home / "root.pem", f"http://{address}:{NAMES_PORT}")


def _save_root(home: Path, address: str) -> None:
    url = f"https://{address}:{MANAGEMENT_PORT}/roots/0"

    def saved() -> bool:
        try:
            (home / "root.pem").write_bytes(fetch(url, authority=home / "ca.pem"))
        except urllib.error.URLError:
            return False
        return True

    if not processes.wait(saved, START_SECONDS):
        log = processes.tail(home / "pebble.log")
        raise ToolError(f"the certificate authority did not start\n{log}", where="pebble")


def fetch(url: str, *, data: bytes | None = None, authority: Path | None = None) -> bytes:
    """One request, past any proxy of this machine."""
    context = ssl.create_default_context(cafile=authority)
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    with direct.open(url, data=data, timeout=5) as answer:
        body: bytes = answer.read()
    return body


def write_certificates(home: Path, address: str) -> None:
    """``ca.pem``, and ``api.pem`` with ``api.key`` for *address*; valid for a month."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _certificate("hostwright rig API", ca_key, address="")
    leaf = _certificate("pebble", key, address=address, issuer=(authority, ca_key))
    (home / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (home / "api.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / "api.key").write_bytes(private)


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    *,
    address: str,
    issuer: tuple[Certificate, EllipticCurvePrivateKey] | None = None,
) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signer = issuer[1] if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(_usage(authority=issuer is None), critical=True)
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256())


def _usage(*, authority: bool) -> KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
