from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.runner import fake_host as fake
from tests.unit.runner.fake_host import NEW, OLD, Docker

from hostwright.runner import looking, looking_exec, looking_logs, looking_stream
from hostwright.runner.fault import RunnerError
from hostwright.runner.looking import Found
from hostwright.runner.looking_stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hostwright.runner.operation import Host

STAMP = "2026-11-23T03:40:14.123456789Z"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """NEW serves with an api that runs and a worker that does not; the base has a Postgres."""
    names = (f"app-{NEW}-api", f"app-{NEW}-worker", f"app-{OLD}-api", "app-postgres")
    host = fake.host(tmp_path, Docker(**{name: not name.endswith("worker") for name in names}))
    for identity in (OLD, NEW):
        fake.unpacked(host, identity)
    fake.serve(host, NEW)
    return host


# --- what is meant --------------------------------------------------------------------------------


def test_a_role_is_the_serving_releases_and_else_the_bases(host: Host) -> None:
    found = looking.containers(host.layout, host.engine, ["api", "postgres", "worker"])

    assert [(one.name, one.release, one.running) for one in found] == [
        (f"app-{NEW}-api", NEW, True),
        ("app-postgres", None, True),
        (f"app-{NEW}-worker", NEW, False),
    ]


def test_without_a_role_those_of_the_release_are_meant(host: Host) -> None:
    found = looking.containers(host.layout, host.engine, [])

    assert [one.role for one in found] == ["api", "worker"]


def test_a_role_that_is_not_there_is_refused(host: Host) -> None:
    with pytest.raises(RunnerError, match="no container of mailer"):
        looking.containers(host.layout, host.engine, ["api", "mailer"])


def test_where_nothing_serves_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    host = fake.host(tmp_path)
    with pytest.raises(RunnerError, match="nothing serves"):
        looking.containers(host.layout, host.engine, ["postgres"])


@pytest.mark.parametrize("roles", ["api", ["API"], [""], ["../x"], [7], ["a"] * 17, [None]])
def test_what_is_no_role_is_refused(roles: object) -> None:
    with pytest.raises(RunnerError):
        looking.roles({"roles": roles})


@pytest.mark.parametrize("value", ["5", -1, True, 100_001, None, 1.5])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(RunnerError):
        looking.number({"lines": value}, "lines")


def test_the_secrets_are_the_releases_and_the_bases_also_as_json_writes_them(host: Host) -> None:
    file = host.layout.release(NEW).env("api")
    file.write_text('KEY="with \\"quotes\\" in it"\n')
    (host.layout.base / "secrets").mkdir()
    (host.layout.base / "secrets" / "postgres_password").write_text("of-the-base\n")

    texts = looking.secrets(host.layout, NEW)

    assert {'with "quotes" in it', 'with \\"quotes\\" in it', "of-the-base"} <= set(texts)
    assert list(texts) == sorted(texts, key=len, reverse=True)


@pytest.mark.parametrize(
    ("lines", "expected", "unreadable"),
    [(0, ["deploy", "rollback"], 1), (1, ["rollback"], 0), (9, ["deploy", "rollback"], 1)],
)
def test_the_audit_log_is_read_as_far_as_it_can_be(
    host: Host, lines: int, expected: list[str], unreadable: int
) -> None:
    host.layout.audit.write_text('{"op": "deploy"}\n{"op": "ro\n{"op": "rollback"}\n')

    found = looking.audit(host.layout, lines)

    assert [entry["op"] for entry in found["entries"]] == expected
    assert found["unreadable"] == unreadable


def test_no_audit_log_is_an_empty_one(host: Host) -> None:
    assert looking.audit(host.layout, 0)["entries"] == []


# --- logs -----------------------------------------------------------------------------------------


def frame(content: str | bytes, kind: int = 1) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return bytes([kind, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def read(
    *pieces: bytes, framed: bool = True, texts: tuple[str, ...] = ()
) -> list[tuple[str, bool]]:
    """The lines that a log of these pieces has, each sent by itself."""
    theirs, mine = socket.socketpair()
    tail = looking_logs.Tail(
        Found("api", "app-api", None, running=True, terminal=not framed),
        Stream(mine, b"", framed=framed),
        texts,
    )
    lines: list[looking_logs.Line] = []
    for piece in pieces:
        theirs.sendall(piece)
        lines += tail.fresh()
    theirs.close()
    while not tail.stream.ended:
        lines += tail.fresh()
    return [(line.text, line.error) for line in lines]


def test_a_frame_is_a_line_of_one_of_the_two_outputs() -> None:
    assert read(frame(f"{STAMP} one\n") + frame(f"{STAMP} two\r\n", 2)) == [
        ("one", False),
        ("two", True),
    ]


def test_frames_come_in_whatever_pieces_the_wire_makes_of_them() -> None:
    whole = frame(f"{STAMP} ünï\n") + frame(f"{STAMP} two\n")
    assert read(*(bytes([byte]) for byte in whole)) == [("ünï", False), ("two", False)]


def test_a_long_line_is_put_together_before_it_is_blanked() -> None:
    """Docker cuts lines at 16 KiB, and gives each part a time of its own: here in the secret."""
    parts = frame(f"{STAMP} key=correct-") + frame(f"{STAMP} horse;\n")
    assert read(parts, texts=("correct-horse",)) == [("key=***;", False)]


def test_the_outputs_do_not_mix_where_lines_have_parts() -> None:
    parts = frame(f"{STAMP} out ") + frame(f"{STAMP} err \n", 2) + frame(f"{STAMP} put\n")
    assert read(parts) == [("err ", True), ("out put", False)]


def test_a_line_without_an_end_is_told_at_the_end() -> None:
    assert read(frame(f"{STAMP} last words")) == [("last words", False)]


def test_a_log_of_a_terminal_has_no_frames() -> None:
    assert read(f"{STAMP} one\r\n{STAMP} tw".encode(), b"o\r\n", framed=False) == [
        ("one", False),
        ("two", False),
    ]


def test_what_blanks_is_done_before_a_line_is_cut() -> None:
    secret = "correct-horse"
    long = "x" * (looking_logs.LONGEST_LINE - 3)
    [(text, _)] = read(frame(f"{STAMP} {long}{secret}\n"), texts=(secret,))
    assert text == long + "***"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("1970-01-01T00:00:01.000000000Z", "1.000000001"),
        ("1970-01-01T00:00:01.999999999Z", "2.000000000"),
        ("1970-01-01T00:01:00.5Z", "60.500000001"),
        ("1970-01-01T00:01:00Z", "60.000000001"),
    ],
)
def test_after_is_the_next_nanosecond(stamp: str, expected: str) -> None:
    assert looking_logs.after(stamp) == expected


# --- Docker's answers -----------------------------------------------------------------------------


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes], Docker]]:
    """A Docker whose socket gives one answer, piece by piece."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = tmp_path / "docker.sock"
    listener.bind(str(path))
    listener.listen()

    def answer(content: bytes) -> Docker:
        def serve() -> None:
            theirs, _ = listener.accept()
            with theirs:
                theirs.recv(65_536)
                for byte in content:
                    theirs.sendall(bytes([byte]))

        threading.Thread(target=serve, daemon=True).start()
        docker = Docker()
        docker.socket = str(path)
        return docker

    yield answer
    listener.close()


def test_what_follows_the_head_is_the_log(answering: Callable[[bytes], Docker]) -> None:
    docker = answering(b"HTTP/1.0 200 OK\r\nContent-Type: x\r\n\r\n" + frame("t a\n"))

    stream = looking_stream.logs(docker, "c", {}, terminal=False)
    frames: list[looking_stream.Frame] = []
    while not stream.ended:
        frames += stream.read()

    assert [one.content for one in frames] == [b"t a\n"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'HTTP/1.0 404 Not Found\r\n\r\n{"message": "No such container: c"}', "No such container"),
        (b"HTTP/1.0 500 Oh\r\n\r\nnot json", "not json"),
        (b"", "no HTTP answer"),
        (b"SSH-2.0 hello\r\n\r\n", "no HTTP answer"),
    ],
)
def test_a_refusal_is_dockers_own_words(
    answering: Callable[[bytes], Docker], answer: bytes, words: str
) -> None:
    docker = answering(answer)
    with pytest.raises(Exception, match=words):
        looking_stream.command(docker, "x", size=(24, 80))


# --- a command ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": []}, {"argv": "true"}, {"argv": None}, {"argv": ["a", 1]}, {"argv": ["a\0b"]},
        {"argv": ["x"] * 1001}, {"argv": ["x" * 60_001]}, {"role": None}, {"role": "Api"},
        {"rows": -1}, {"columns": "80"}, {"rows": 10_001},
    ],
)  # fmt: skip
def test_what_is_no_command_is_refused(changes: dict[str, Any]) -> None:
    request = {"role": "api", "argv": ["true"], "rows": 24, "columns": 80}
    assert looking_exec.wanted(request).argv == ("true",)
    with pytest.raises(RunnerError):
        looking_exec.wanted({**request, **changes})


def test_a_command_in_a_container_that_does_not_run_is_refused(host: Host) -> None:
    asked = looking_exec.wanted({"role": "worker", "argv": ["true"]})
    with pytest.raises(RunnerError, match="does not run"):
        looking_exec.start(host.layout, host.engine, asked)


def test_input_is_passed_on_and_its_end_is_an_end(tmp_path: Path) -> None:
    theirs, mine = socket.socketpair()
    sent = tmp_path / "sent"
    requests = [b"one\n", b"\x00\xff", b""]
    lines = [
        json.dumps({"do": "input", "bytes": len(one)}).encode() + b"\n" + one for one in requests
    ]
    sent.write_bytes(b"".join(lines))
    docker = Resized()
    running = looking_exec.Running("id", "c", Stream(mine, b"", framed=False))

    with sent.open("rb") as source:
        looking_exec.feed(docker, running, source)

    with theirs, mine:
        got = b""
        while piece := theirs.recv(100):
            got += piece
    assert got == b"one\n\x00\xff"


def test_the_size_of_the_terminal_is_passed_on_and_hanging_up_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setattr(looking_exec, "_GRACE_SECONDS", 0)
    sent = tmp_path / "sent"
    sent.write_bytes(b'{"do": "size", "rows": 30, "columns": 90}\n')
    docker = Resized(living=2)
    theirs, mine = socket.socketpair()

    with theirs, mine, sent.open("rb") as source:
        running = looking_exec.Running("id", "c", Stream(mine, b"", framed=False))
        looking_exec.feed(docker, running, source)

    assert docker.sizes == [{"h": "30", "w": "90"}]
    assert [pid for pid, _ in killed] == [4711, 4711]


class Resized(Docker):
    """Docker as a command sees it: it lives for some looks."""

    def __init__(self, living: int = 0) -> None:
        super().__init__()
        self.sizes: list[dict[str, str] | None] = []
        self.living = living

    def call(self, method: str, path: str, query: Any = None, **more: Any) -> Any:  # noqa: ANN401 - Engine's
        del method, path, more
        self.sizes.append(query)

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
        del path, query
        self.living -= 1
        return {"Running": self.living >= 0, "Pid": 4711, "ExitCode": 3}
