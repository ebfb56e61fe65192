"""``python -m hostwright docs``: build the documentation site, and serve it to look at."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from hostwright import paths
from hostwright.errors import UserError
from hostwright.site.build import OUT, build

if TYPE_CHECKING:
    from collections.abc import Sequence

PORT = 8000


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and does not write a line for each."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def main(words: Sequence[str]) -> int:
    """Build the site, and with ``--serve`` serve it to this machine until an interrupt.

    Raises:
        UserError: The words are not known, or the port is taken.
        ToolError: The site could not be built.
    """
    asked = _parser().parse_args(words)
    out = Path(asked.out).resolve()
    pages = build(out, repository=asked.repository)
    sys.stdout.write(f"{paths.shown(out)}: {pages} pages\n")
    if asked.serve:
        serve(out, asked.port)
    return 0


def serve(site: Path, port: int) -> None:
    """Serve a directory at loopback.

    Raises:
        UserError: The port is taken.
    """
    with server(site, port) as answering:
        sys.stdout.write(f"http://127.0.0.1:{answering.server_port}/ (end it with Ctrl-C)\n")
        sys.stdout.flush()
        answering.serve_forever()


def server(site: Path, port: int) -> ThreadingHTTPServer:
    """What serves a directory at loopback; a port of 0 is any that is free.

    Raises:
        UserError: The port is taken.
    """
    handler = partial(_Quiet, directory=str(site))
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise UserError(f"port {port}: {error.strerror}", remedy="Name another: --port.") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s docs --", description="Build the site.")
    parser.add_argument("--out", default=str(OUT), help="the directory (default: dist/site)")
    parser.add_argument("--repository", default="", help="address of the repository's files")
    parser.add_argument("--serve", action="store_true", help="serve it to this machine, too")
    parser.add_argument("--port", type=int, default=PORT, help=f"where (default: {PORT})")
    return parser
