"""The probe's roles as real processes beside real engines."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from tests import engines
from tests.probe.roles import Installation, Stack, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[engines.Postgres]:
    with engines.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: engines.Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a database at revision 0002 that others are copied from; nobody connects to it."""
    around = Surroundings(
        tmp_path_factory.mktemp("template"), postgres.create("template_probe"), ""
    )
    done = Installation(tmp_path_factory.mktemp("installation")).run(
        ["migrate", "up"], around.env()
    )
    assert done.returncode == 0, done.stdout
    return "template_probe"


@pytest.fixture(scope="session")
def shared(postgres: engines.Postgres, template: str) -> str:
    """URL of the one migrated database of all tests that leave its schema alone."""
    return postgres.create("probe_shared", template)


@pytest.fixture
def redis() -> Iterator[engines.Redis]:
    with engines.redis() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "installation", version="1")


@pytest.fixture
def around(tmp_path: Path, shared: str, redis: engines.Redis) -> Surroundings:
    """Everything a role needs."""
    return Surroundings(tmp_path, shared, redis.url)


@pytest.fixture
def own(tmp_path: Path, postgres: engines.Postgres, template: str) -> Surroundings:
    """A database of one's own, at revision 0002; no Redis."""
    return Surroundings(tmp_path, postgres.create(f"probe_{next(_numbers)}", template), "")


@pytest.fixture
def empty(tmp_path: Path, postgres: engines.Postgres) -> Surroundings:
    """A database of one's own that was never migrated; no Redis."""
    return Surroundings(tmp_path, postgres.create(f"empty_{next(_numbers)}"), "")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, shared: str) -> Iterator[Stack]:
    """api, worker and web of one release, for tests that stop none of them."""
    home = tmp_path_factory.mktemp("stack")
    with ExitStack() as stack:
        around = Surroundings(home, shared, stack.enter_context(engines.redis()).url)
        release = Installation(home / "installation", version="1<b>")
        api = stack.enter_context(release.service("api", around.env()))
        worker = stack.enter_context(release.start("worker", env=around.env()))
        base = {"API_BASE_URL": f"http://127.0.0.1:{api.port}", "ENVIRONMENT": "production"}
        web = stack.enter_context(release.service("web", base))
        worker.event("started")
        yield Stack(api, worker, web)
