"""Send requests from inside the engine's network until stdin closes; print what became of them.

Started as a program of its own, because the test itself is in another network namespace. It says
``up`` once every client is at work; a client that ends by a fault of its own is the program's.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field


@dataclass
class Count:
    sent: int = 0
    failed: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    longest: float = 0.0


def keep_alive(address: str, method: str, stop: threading.Event, count: Count) -> None:
    connection = http.client.HTTPConnection(address, timeout=10)
    while not stop.is_set():
        _once(connection, method, "/", count)
        time.sleep(0.01)


def fresh(address: str, method: str, stop: threading.Event, count: Count) -> None:
    while not stop.is_set():
        connection = http.client.HTTPConnection(address, timeout=10)
        _once(connection, method, "/", count)
        connection.close()
        time.sleep(0.02)


def slow(address: str, method: str, stop: threading.Event, count: Count) -> None:
    while not stop.is_set():
        _once(http.client.HTTPConnection(address, timeout=10), method, "/slow", count)


def _once(connection: http.client.HTTPConnection, method: str, path: str, count: Count) -> None:
    began = time.monotonic()
    count.sent += 1
    try:
        connection.request(method, path, body=b"x" * 100 if method == "POST" else None)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            count.failed.append(f"{method} {path}: {answer.status}")
        elif text not in count.versions[-1:]:
            count.versions.append(text)
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        count.failed.append(f"{method} {path}: {type(error).__name__} {error}")
    if path == "/":
        count.longest = max(count.longest, time.monotonic() - began)


#: What each address is asked by, side by side.
CLIENTS = (
    (keep_alive, "GET"),
    (keep_alive, "POST"),
    (fresh, "GET"),
    (fresh, "POST"),
    (slow, "GET"),
)


def main(addresses: list[str]) -> None:
    stop, todo = threading.Event(), [(a, *client) for a in addresses for client in CLIENTS]
    counts = [Count() for _ in todo]
    with ThreadPoolExecutor(len(todo)) as pool:
        clients = [
            pool.submit(kind, address, method, stop, count)
            for (address, kind, method), count in zip(todo, counts, strict=True)
        ]
        while not all(count.sent for count in counts):
            time.sleep(0.01)
        print("up", flush=True)  # noqa: T201 - what the test waits for
        sys.stdin.read()
        stop.set()
        for client in clients:
            client.result()
    json.dump([asdict(count) for count in counts], sys.stdout)


main(sys.argv[1:])
