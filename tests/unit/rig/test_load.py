from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from hostwright.errors import ToolError
from hostwright.rig.load import (
    LoadGenerator,
    Request,
    Sample,
    Stream,
    _Sender,
    account,
    made_in,
    order,
    pause,
    percentile,
    version_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = Request("http://a.test/")
SLOW = Request("http://a.test/slow", slow=True)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, 0.0),
        ([3.0], 0.99, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([5.0, 1.0, 3.0], 1.0, 5.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def good(end: float, request: Request = QUICK) -> Sample:
    return Sample(request, end - 0.25, 0.25)


@pytest.mark.parametrize(
    ("samples", "end", "expected"),
    [
        ([], 4.0, 4.0),
        ([good(1.0), good(2.0), good(5.0)], 5.0, 3.0),
        ([good(1.0), Sample(QUICK, 2.0, 0.25, "status 502"), good(4.0)], 4.0, 3.0),
        ([good(1.0), good(2.0, SLOW), good(4.0)], 4.0, 3.0),
        ([good(2.5), good(3.0)], 3.0, 2.5),
        ([good(1.0)], 3.0, 2.0),
    ],
    ids=["nothing answers", "between", "a failure", "a slow one", "at first", "at last"],
)
def test_a_pause_is_the_longest_time_without_a_good_quick_answer(
    samples: list[Sample], end: float, expected: float
) -> None:
    assert pause(samples, end) == expected


def test_requests_come_by_weight_and_evenly_spread() -> None:
    requests = (Request("http://a/", weight=3), Request("http://b/", weight=1))
    first = list(islice(order(requests), 8))
    assert Counter(r.url for r in first) == {"http://a/": 6, "http://b/": 2}
    assert first[:4] == first[4:]
    assert [r.url for r in first[:4]] != ["http://b/", *["http://a/"] * 3]


def test_the_account_names_every_failure_and_leaves_slow_ones_out_of_the_times() -> None:
    samples = [
        Sample(QUICK, 0.0, 0.1, "", "1"),
        Sample(QUICK, 0.5, 0.3, "", "2"),
        Sample(SLOW, 0.5, 9.0, "", "2"),
        Sample(QUICK, 1.0, 7.0, "status 502"),
        Sample(QUICK, 1.0, 7.0, "status 502"),
    ]
    report = account(samples, 2.0, {})
    assert (report.sent, report.failed) == (5, 2)
    assert report.failures == {"GET http://a.test/: status 502": 2}
    assert (report.p50, report.p99, report.slowest) == (0.1, 0.3, 0.3)
    assert report.versions == {"1": 1, "2": 2}
    assert report.first == {"1": 0.1, "2": 0.8}
    assert list(report.first) == ["1", "2"]
    assert report.rate == 2.5


def test_a_version_is_first_seen_when_its_answer_comes() -> None:
    samples = [Sample(SLOW, 0.0, 9.0, "", "1"), Sample(QUICK, 1.0, 0.5, "", "2")]

    assert list(account(samples, 9.0, {}).first.items()) == [("2", 1.5), ("1", 9.0)]


def test_answered_writes_are_known_by_what_they_made() -> None:
    post = Request("http://a.test/items", "POST")
    samples = [Sample(post, 0.0, 0.1, made=7), Sample(post, 0.1, 0.1), Sample(QUICK, 0.2, 0.1)]
    report = account([*samples, Sample(post, 0.3, 0.1, "status 502")], 1.0, {})

    assert (report.posted, report.writes) == ([7], 2)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b'{"id": 7}', 7), (b'{"id": "7"}', None), (b"<html>", None), (b"[1]", None), (b"{}", None)],
)
def test_what_a_write_made_is_read_where_it_is_named(content: bytes, expected: int | None) -> None:
    assert made_in(content) == expected


def test_a_sender_that_lags_counts_its_lag() -> None:
    stream = Stream("127.0.0.1", requests=(QUICK,))
    sender = _Sender(stream)

    async def answered(*_: object) -> tuple[str, bytes]:
        return "", b'{"version": "1"}'

    sender._answer = answered  # type: ignore[method-assign,assignment] # noqa: SLF001
    due = sender.begun
    sender.begun -= 1.0  # the stream is a second old
    asyncio.run(sender._one(None, QUICK, due - 0.5))  # type: ignore[arg-type] # noqa: SLF001

    [sample] = sender.samples
    assert sample.start == pytest.approx(0.5)
    assert sample.seconds >= 0.5


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b'{"version": "2"}', "2"), (b"<html>", ""), (b"[1]", ""), (b"{}", "")],
)
def test_the_version_is_read_where_there_is_one(content: bytes, expected: str) -> None:
    assert version_in(content) == expected


# -- against a real server on loopback ---------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: Counter[str]
    clients: set[int]

    def do_GET(self) -> None:
        self.answer(502 if self.path == "/broken" else 200)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.made = getattr(self.server, "made", 0) + 1  # type: ignore[attr-defined]
        self.answer(201, {"id": self.server.made})  # type: ignore[attr-defined]

    def answer(self, status: int, more: dict[str, int] | None = None) -> None:
        self.seen[f"{self.command} {self.headers['Host']}{self.path}"] += 1
        self.clients.add(self.client_address[1])
        body = json.dumps({"version": "1", **(more or {})}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site() -> Iterator[tuple[int, type[Handler]]]:
    kind = type("Own", (Handler,), {"seen": Counter(), "clients": set()})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], kind
        server.shutdown()
        thread.join()


def enough(kind: type[Handler], number: int) -> None:
    ticks = threading.Event()
    for _ in range(200):
        if kind.seen.total() >= number:
            return
        ticks.wait(0.1)


def test_reads_and_writes_go_to_one_address_by_name_over_kept_and_fresh_connections() -> None:
    requests = (
        Request("http://app.test/version"),
        Request("http://api.test/items", "POST", '{"name": "x"}'),
    )
    with site() as (port, kind):
        stream = Stream("127.0.0.1", requests=requests, port=port, rate=100, fresh=5)
        with LoadGenerator(stream) as load:
            enough(kind, 20)
            report = load.stop()
    assert report.failures == {}
    assert report.sent == kind.seen.total()
    assert set(kind.seen) == {"GET app.test/version", "POST api.test/items"}
    assert report.versions == {"1": report.sent}
    assert list(report.first) == ["1"]
    assert 0 < report.first["1"] < report.seconds
    assert sorted(report.posted) == list(range(1, report.writes + 1))
    assert report.writes > 0
    assert len(kind.clients) < report.sent


def test_a_fresh_request_has_a_connection_of_its_own() -> None:
    with site() as (port, kind):
        stream = Stream("127.0.0.1", requests=(Request("http://app.test/"),), port=port, fresh=1)
        with LoadGenerator(stream) as load:
            enough(kind, 5)
            report = load.stop()
    assert len(kind.clients) == report.sent


def test_an_answer_that_is_an_error_is_a_failure_by_name() -> None:
    with site() as (port, kind):
        stream = Stream("127.0.0.1", requests=(Request("http://app.test/broken"),), port=port)
        with LoadGenerator(stream) as load:
            enough(kind, 5)
            report = load.stop()
    assert report.failed == report.sent
    assert list(report.failures) == ["GET http://app.test/broken: status 502"]


def test_a_server_that_is_not_there_is_a_failure_and_not_the_end() -> None:
    requests = (Request("http://app.test/"),)
    with LoadGenerator(Stream("127.0.0.1", requests=requests, port=1, rate=100)) as load:
        report = load.stop()
    assert report.failed == report.sent >= 1
    assert "ConnectError" in next(iter(report.failures))


def test_a_root_that_is_no_file_is_reported(tmp_path: object) -> None:
    stream = Stream("127.0.0.1", authority=f"{tmp_path}/none.pem")
    with pytest.raises(ToolError, match="FileNotFoundError"):
        LoadGenerator(stream).start()
