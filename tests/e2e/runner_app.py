"""A tiny application for the runner's tests: api, web, worker, migrate and stand-ins for data.

One file for the image, standard library only. Faults are switched on by variables:
``FAULT=unready|crash|worker|migrate|status``; ``BOOT`` is how long a role takes to start.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SHARED = Path("/shared")
FAULT = os.environ.get("FAULT", "")
VERSION = os.environ.get("APP_VERSION", "?")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/slow"):
            time.sleep(2)
        unready = FAULT == "unready" and self.path == "/ready"
        self._answer(503 if unready else 200, VERSION)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(200, VERSION)

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def service(port: int) -> None:
    server = ThreadingHTTPServer(("", port), Handler)
    server.daemon_threads = False
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


def worker() -> None:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    note(f"start {VERSION}")
    if FAULT != "worker":
        Path("/tmp/well").touch()  # noqa: S108 - the container's own
    while not ended.wait(0.05):
        note(f"job {VERSION}")
    note(f"end {VERSION}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    with (SHARED / "jobs").open("a") as file:
        file.write(f"{time.time():.3f} {text}\n")


def migrate(verb: str) -> None:
    state = SHARED / "database"
    current = int(state.read_text()) if state.exists() else 0
    head = int(os.environ.get("HEAD", "1"))
    pending = [str(number) for number in range(current + 1, head + 1)]
    if verb == "status":
        if FAULT == "status":
            say("no database")
            sys.exit(3)
        never = os.environ.get("IRREVERSIBLE", "").split()
        facts = {"current": current, "head": head, "pending": pending, "ahead": current > head}
        say(json.dumps({**facts, "irreversible": [name for name in pending if name in never]}))
        return
    time.sleep(float(os.environ.get("MIGRATION_SECONDS", "0")))
    if FAULT == "migrate":
        say(f"cannot migrate, the password is {os.environ.get('PASSWORD')}")
        sys.exit(4)
    note(f"migrate {head}")
    state.write_text(str(head))


def sleep() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.pause()


def main(role: str) -> None:
    if role not in {"status", "up", "sleep"}:
        time.sleep(float(os.environ.get("BOOT", "0")))
    if FAULT == "crash" and role in {"api", "web"}:
        say(f"no {role} today: {os.environ.get('PASSWORD')}")
        sys.exit(5)
    roles = {
        "api": lambda: service(8000),
        "web": lambda: service(3000),
        "worker": worker,
        "status": lambda: migrate("status"),
        "up": lambda: migrate("up"),
        "sleep": sleep,
    }
    roles[role]()


main(sys.argv[1])
