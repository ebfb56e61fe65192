"""Values compared with what serves, a secret made anew, and the env file that has it."""

from __future__ import annotations

import contextlib
import stat
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from tests.host.talk import Said
from tests.unit.contract.given_values import SECRETS
from tests.unit.contract.planted import real

from hostwright.contract.envfile import Given, encode, parse
from hostwright.errors import (
    PreflightError,
    ReleaseError,
    Unreachable,
    UserError,
    ValuesError,
)
from hostwright.release.build import salted
from hostwright.release.bundle import File
from hostwright.rotation import difference, fresh, push, rotate
from hostwright.rotation.difference import Change
from hostwright.rotation.push import Pushed
from hostwright.settings import Host, Values

if TYPE_CHECKING:
    from collections.abc import Callable

SALT = "salt"
SERVING = "20260101t000000z-aaaaaaa"
ROLES = {
    "api": {"SECRET_KEY": "first", "LOG_LEVEL": "info", "DATABASE_URL": "postgres://x"},
    "worker": {"SECRET_KEY": "first", "LOG_LEVEL": "info"},
}
GIVEN = {"SECRET_KEY": "first", "POSTGRES_PASSWORD": "horse", "REDIS_PASSWORD": "mouse"}


def told(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What the host says of the values above."""
    env = {
        role: {name: salted(SALT, name, value) for name, value in values.items()}
        for role, values in ROLES.items()
    }
    files = {"secrets/postgres_password": "horse", "secrets/redis_password": "mouse"}
    secrets = {path: salted(SALT, path, value) for path, value in files.items()}
    base = {"secrets": secrets, "compose": "{}", "files": {}}
    return {"serving": SERVING, "salt": SALT, "env": env, "base": base, **more}


def short(name: str, value: str) -> str:
    return salted(SALT, name, value)[:8]


# --- what differs --------------------------------------------------------------------------------


def test_the_same_values_differ_in_nothing() -> None:
    assert difference.compare(told(), ROLES, GIVEN) == []


def test_a_changed_value_is_told_once_for_all_its_roles() -> None:
    roles = {role: {**values, "SECRET_KEY": "second"} for role, values in ROLES.items()}
    before, after = short("SECRET_KEY", "first"), short("SECRET_KEY", "second")
    assert difference.compare(told(), roles, GIVEN) == [
        Change("SECRET_KEY", ("api", "worker"), "changed", before, after)
    ]


def test_what_comes_goes_and_differs_by_role_is_told_apart() -> None:
    roles = {
        "api": {**ROLES["api"], "LOG_LEVEL": "debug", "ODD": "1"},
        "worker": {"LOG_LEVEL": "info"},
    }
    assert [(one.name, one.roles, one.how) for one in difference.compare(told(), roles, GIVEN)] == [
        ("LOG_LEVEL", ("api",), "changed"),
        ("ODD", ("api",), "added"),
        ("SECRET_KEY", ("worker",), "removed"),
    ]


def test_a_password_of_the_base_is_told_as_the_bases() -> None:
    found = difference.compare(told(), ROLES, {**GIVEN, "REDIS_PASSWORD": "rat"})
    assert [(one.name, one.roles) for one in found] == [("REDIS_PASSWORD", ("base",))]
    assert difference.passwords(found) == ["REDIS_PASSWORD"]


def test_people_see_names_and_hashes_and_no_value() -> None:
    roles = {**ROLES, "worker": {"LOG_LEVEL": "info"}}
    lines = difference.shown(difference.compare(told(), roles, {**GIVEN, "REDIS_PASSWORD": "rat"}))
    assert [line.split()[:3] for line in lines] == [
        ["REDIS_PASSWORD", "changed", "base"],
        ["SECRET_KEY", "removed", "worker"],
    ]
    assert lines[1].endswith(f"{short('SECRET_KEY', 'first')} -> -")
    assert difference.shown([]) == []
    assert not [value for value in ("rat", "mouse", "first") if value in " ".join(lines)]


# --- what may be pushed --------------------------------------------------------------------------


class Made:
    """A release in the little that is looked at."""

    def __init__(self, **changes: str) -> None:
        texts = {"compose.yaml": "roles of new-id", "base.yaml": "{}", "entrypoints/a.sh": "sh"}
        self.id = "new-id"
        self.files = {name: File(text.encode()) for name, text in {**texts, **changes}.items()}
        sums = {name: {"sha256": text.content.decode()} for name, text in self.files.items()}
        self.manifest = {
            "files": sums,
            "contract": {"sha256": changes.get("contract", "c")},
            "caddy_sha256": changes.get("caddy", "d"),
        }


HERE = told(
    compose=f"roles of {SERVING}",
    caddy={"sha256": "d"},
    base={"compose": "{}", "files": {"entrypoints/a.sh": "sh"}, "secrets": {}},
)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"contract": "other"}, ["the contract"]),
        ({"compose.yaml": "another role of new-id"}, ["the roles' containers"]),
        ({"base.yaml": "{1}"}, ["the base's containers"]),
        ({"entrypoints/a.sh": "bash"}, ["the base's files"]),
        ({"caddy": "other"}, ["Caddy's configuration"]),
    ],
)
def test_what_is_more_than_values_is_named(changes: dict[str, str], found: list[str]) -> None:
    assert push.beyond(Made(**changes), HERE, "c") == found  # type: ignore[arg-type] # what is used


def test_a_push_takes_the_roles_images_that_serve_and_the_bases_that_run() -> None:
    entry = {"ref": "shop@sha256:1", "id": "1", "asked": "shop:1"}
    former = {"ref": "redis:7", "id": "7", "asked": "redis:7"}
    newer = {"ref": "redis:8", "id": "8", "asked": "redis:8"}
    hello = {
        "serving": SERVING,
        "base_applied": "b",
        "releases": [
            {"id": "newer", "base_sha256": "b", "images": {"redis": newer, "api": newer}},
            {"id": SERVING, "base_sha256": "a", "images": {"redis": former, "api": entry}},
        ],
    }
    placed = push.kept(hello).placed
    assert (placed["redis"].ref, placed["api"].ref) == ("redis:8", "shop@sha256:1")
    assert placed["api"].asked == "shop:1"
    assert push.kept(hello).to_send == {}


def test_what_backups_need_is_brought_where_no_roles_value_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The credentials of a bucket are no role's: a push of them alone brings them."""
    brought: list[bytes] = []

    def deliver(_: object, document: bytes) -> bool:
        brought.append(document)
        return True

    monkeypatch.setattr("hostwright.resting.at_rest", lambda *_: contextlib.nullcontext())
    for name in ("same_version", "announce", "refuse_busy"):
        monkeypatch.setattr(f"hostwright.deploy.{name}", lambda *_: None)
    monkeypatch.setattr(push, "ask", lambda _: told())
    monkeypatch.setattr(push, "changes", lambda *_: [])
    monkeypatch.setattr("hostwright.backup.operate.deliver", deliver)
    local, said = SimpleNamespace(app="app", backup=b"settings"), Said()

    done = push.push(None, local, said)  # type: ignore[arg-type] # what is used

    assert (done.outcome, brought) == (None, [b"settings"])
    assert said.words == ["note the host was told the settings of its backups"]


# --- which secret can be made anew ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"])
def test_a_secret_of_the_applications_own_is_made_by_the_contracts_rules(name: str) -> None:
    made = fresh.make(real(), name)
    assert len(made) >= 44
    assert made.isalnum()
    assert fresh.make(real(), name) != made


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no secret was named"),
        ("SECRET_KEYS", "Did you mean SECRET_KEY?"),
        ("LOG_LEVEL", "is no secret"),
        ("DATABASE_URL", "Rotate what it is made of: POSTGRES_PASSWORD or REDIS_PASSWORD"),
        ("VAULT_TOKEN", "is given by somebody else"),
        ("S3_SECRET_ACCESS_KEY", "is given by somebody else"),
    ],
)
def test_what_cannot_be_made_here_is_refused_with_what_to_do(name: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        fresh.make(real(), name)
    assert said in str(refused.value)


def test_a_longer_secret_is_made_where_the_contract_wants_one() -> None:
    contract = real()
    own = contract.targets["vps"].secrets["REDIS_PASSWORD"].model_copy(update={"min_length": 100})
    target = contract.targets["vps"].model_copy(update={"secrets": {"REDIS_PASSWORD": own}})
    longer = contract.model_copy(update={"targets": {**contract.targets, "vps": target}})
    assert len(fresh.make(longer, "REDIS_PASSWORD")) >= 100


# --- the env file --------------------------------------------------------------------------------

TEXT = """# the first line
A=1

# of the secret
export SECRET_KEY='old one' # inline
B="two
lines" # of B
"""


def test_one_line_of_the_file_changes_and_no_other() -> None:
    made = fresh.replaced(TEXT, "SECRET_KEY", 'new "$one"')
    assert made == TEXT.replace(
        "export SECRET_KEY='old one' # inline", 'SECRET_KEY="new \\"\\$one\\""'
    )
    alnum = parse(fresh.replaced(TEXT, "SECRET_KEY", "newOne1"), "x").values
    assert {name: item.value for name, item in alnum.items()} == {
        "A": "1",
        "SECRET_KEY": "newOne1",
        "B": "two\nlines",
    }


def test_the_file_is_written_whole_and_the_one_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / ".env.prod"
    path.write_text("A=1\n")
    kept = fresh.aside(path, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert kept.name == ".env.prod.before-20260102t030405z"
    fresh.write(path, "A=2\n", kept)
    assert (path.read_text(), kept.read_text()) == ("A=2\n", "A=1\n")
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, kept)} == {0o600}
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, kept.name]
    with pytest.raises(UserError, match="cannot be written: File exists"):
        fresh.write(path, "A=3\n", kept)
    assert path.read_text() == "A=2\n"
    fresh.put_back(path, kept)
    assert path.read_text() == "A=1\n"


def test_a_value_that_comes_from_elsewhere_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / ".env.prod"
    path.write_text("SECRET_KEY=x\n")
    values = Values(env_file=str(path), environment=True)
    here = {"SECRET_KEY": Given("x", f"{path}:1")}
    assert fresh.place(values, here, "SECRET_KEY") == path.resolve()
    for other in ({"SECRET_KEY": Given("x", "environment")}, {}):
        with pytest.raises(ValuesError, match="does not come from an env file"):
            fresh.place(values, other, "SECRET_KEY")


# --- rotate: the file first, and back where the host refuses -------------------------------------


CHANGED = Change("SECRET_KEY", ("api",), "changed", "a", "b")


class Shown:
    """Progress that keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def shop(tmp_path: Path) -> Host:
    path = tmp_path / ".env.prod"
    path.write_text(encode(SECRETS))
    path.chmod(0o600)
    return Host(
        address="192.0.2.1",
        app_domain="app.example.com",
        values=Values(env_file=str(path)),
    )


def file_of(host: Host) -> Path:
    return Path(host.values.env_file or "")


def kept_beside(host: Host) -> list[Path]:
    return sorted(file_of(host).parent.glob("*.before-*"))


def turned(
    monkeypatch: pytest.MonkeyPatch,
    host: Host,
    pushing: Callable[[], Pushed],
    after: Callable[[], tuple[str, list[Change]]] = lambda: (SERVING, [CHANGED]),
) -> Shown:
    """Rotate SECRET_KEY against a host that answers like this."""
    said = Shown()
    answers = iter([lambda: (SERVING, []), after])
    monkeypatch.setattr(push, "compare", lambda *_: next(answers)())
    monkeypatch.setattr(push, "push", lambda *_: pushing())
    rotate.rotate(None, host, "SECRET_KEY", said)  # type: ignore[arg-type] # it is not looked at
    return said


def fails(error: BaseException) -> Callable[[], Any]:
    def push_it() -> Any:  # noqa: ANN401 - it raises
        raise error

    return push_it


def test_a_rotated_secret_is_in_the_file_and_the_former_one_beside_it(
    monkeypatch: pytest.MonkeyPatch, shop: Host
) -> None:
    before = file_of(shop).read_text()
    turned(monkeypatch, shop, lambda: Pushed([CHANGED], "new", None))
    now = parse(file_of(shop).read_text(), "x").values["SECRET_KEY"].value
    assert now != SECRETS["SECRET_KEY"]
    [kept] = kept_beside(shop)
    assert kept.read_text() == before


def test_the_file_is_as_it_was_where_the_host_refuses(
    monkeypatch: pytest.MonkeyPatch, shop: Host
) -> None:
    before = file_of(shop).read_text()
    with pytest.raises(ReleaseError, match="has the former value again"):
        turned(monkeypatch, shop, fails(ReleaseError("it failed", remedy="See the log.")))
    assert file_of(shop).read_text() == before
    assert kept_beside(shop) == []


UNSURE: dict[str, tuple[BaseException, Any, str]] = {
    "it serves after all": (
        Unreachable("lost"),
        lambda: ("new", []),
        "has the new value, which serves",
    ),
    "nobody can say": (
        Unreachable("lost"),
        fails(Unreachable("gone")),
        "vps.secrets.diff` tells whether the new value serves",
    ),
}


@pytest.mark.parametrize(("error", "after", "said"), UNSURE.values(), ids=list(UNSURE))
def test_both_files_stay_where_the_new_value_may_serve(
    error: BaseException,
    after: Any,  # noqa: ANN401 - a host's answer
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    shop: Host,
) -> None:
    before = file_of(shop).read_text()
    with pytest.raises(Unreachable, match=said):
        turned(monkeypatch, shop, fails(error), after)
    assert file_of(shop).read_text() != before
    assert [path.read_text() for path in kept_beside(shop)] == [before]


def test_an_interrupt_leaves_both_files(monkeypatch: pytest.MonkeyPatch, shop: Host) -> None:
    with pytest.raises(KeyboardInterrupt):
        turned(monkeypatch, shop, fails(KeyboardInterrupt()))
    assert len(kept_beside(shop)) == 1


def test_nothing_is_written_for_a_host_that_serves_nothing(
    monkeypatch: pytest.MonkeyPatch, shop: Host
) -> None:
    before = file_of(shop).read_text()
    monkeypatch.setattr(push, "compare", lambda *_: fails(PreflightError("nothing serves"))())
    with pytest.raises(PreflightError):
        rotate.rotate(None, shop, "SECRET_KEY", Shown())  # type: ignore[arg-type] # as above
    assert file_of(shop).read_text() == before
    assert kept_beside(shop) == []
