from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from hostwright.rig.acme import names_command, settings, write_certificates


def test_it_visits_the_real_ports_of_the_server() -> None:
    plain = settings("10.99.7.254", Path("/h"))["pebble"]
    assert isinstance(plain, dict)
    assert (plain["httpPort"], plain["tlsPort"]) == (80, 443)
    assert plain["listenAddress"] == "10.99.7.254:14000"


def test_every_name_is_found_at_the_server_and_nowhere_in_version_6() -> None:
    argv = names_command("10.99.7.254", "10.99.7.2")
    assert argv[argv.index("-defaultIPv4") + 1] == "10.99.7.2"
    assert argv[argv.index("-defaultIPv6") + 1] == ""


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", True), ("127.0.0.2", False)])
def test_its_certificate_is_good_for_its_address_only(
    name: str,
    trusted: bool,  # noqa: FBT001 - a column of the table
    tmp_path: Path,
) -> None:
    write_certificates(tmp_path, "127.0.0.1")
    here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_cert_chain(tmp_path / "api.pem", tmp_path / "api.key")
    there = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    assert handshake(here, there, name) == trusted


def handshake(here: ssl.SSLContext, there: ssl.SSLContext, name: str) -> bool:
    left, right = socket.socketpair()

    def serve() -> None:
        try:
            here.wrap_socket(left, server_side=True).close()
        except (ssl.SSLError, OSError):
            left.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        there.wrap_socket(right, server_hostname=name).close()
    except ssl.SSLCertVerificationError:
        return False
    finally:
        right.close()
        thread.join()
        left.close()
    return True
