"""On a real cluster: install, upgrade with a migration under constant requests, and go back.

``nox -s e2e_kubernetes`` runs it on whatever KUBECONFIG points at. The tests are one story.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.e2e_kubernetes import installation as parts
from tests.e2e_kubernetes.installation import ACCOUNTS, RELEASE, Installation, told

from hostwright import toolchain
from hostwright.errors import Drifted, MigrationError, NoWayBack
from hostwright.rig import Rig
from hostwright.rig.images import Probe
from hostwright.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

#: Versions of the application: that of 3 has no way back, the last of "broken" fails.
VERSIONS = (
    Probe("1"),
    Probe("2", migrations=1),
    Probe("3", migrations=2),
    Probe("broken", migrations=3),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    home = tmp_path_factory.mktemp("cluster")
    with parts.stores(parts.address()) as stores, Rig(f"kube-{os.getpid()}") as rig:
        built = rig.images(VERSIONS)
        images = {
            probe.version: parts.build(
                rig.engine, built[probe.reference], f"{probe.version}-{os.getpid()}", stores.aws
            )
            for probe in VERSIONS
        }
        archive = home / "images.tar"
        rig.engine.docker("save", "--output", archive, *images.values())
        run([*parts.loader(), str(archive)], timeout=900)
        archive.unlink()
        made = Installation(f"hostwright-e2e-{os.getpid()}", stores, home, images)
        try:
            made.set_up()
            yield made
        finally:
            made.tear_down()


def test_it_installs_and_all_of_it_gets_ready(shop: Installation) -> None:
    done = shop.deploy("1")

    assert (
        shop.running("api") == shop.running("web") == shop.running("worker") == {shop.images["1"]}
    )
    assert len(shop.pods("api")) == len(shop.pods("web")) == 2
    assert shop.revision() == "0002"
    assert "e2e-key" not in told(done)


def test_a_second_deploy_of_the_same_changes_nothing(shop: Installation) -> None:
    before = {pod["metadata"]["name"] for role in ("api", "web") for pod in shop.pods(role)}
    shop.deploy("1")
    assert {pod["metadata"]["name"] for role in ("api", "web") for pod in shop.pods(role)} == before


def test_it_answers_and_is_what_the_contract_says(shop: Installation) -> None:
    shop.invoke("smoke")
    shop.invoke("drift")
    run([*toolchain.provide("helm").argv, "test", RELEASE, "--namespace", shop.namespace])


def test_an_upgrade_with_a_migration_fails_no_request(shop: Installation) -> None:
    with shop.called("1") as account:
        shop.deploy("2")

    assert (account["failed"], account["failures"]) == (0, {})
    assert set(account["versions"]) == {"1", "2"}
    assert shop.revision() == "0003"
    assert shop.running("worker") == {shop.images["2"]}
    ACCOUNTS.append(f"upgrade: {account}")


def test_a_rollback_fails_no_request_though_the_schema_is_ahead(shop: Installation) -> None:
    with shop.called("1") as account:
        shop.invoke("rollback", "--yes")

    assert (account["failed"], account["failures"]) == (0, {})
    assert set(account["versions"]) == {"1", "2"}
    assert shop.running("api") == shop.running("web") == {shop.images["1"]}
    assert shop.revision() == "0003"
    ACCOUNTS.append(f"rollback: {account}")


def test_a_rollback_past_an_irreversible_migration_is_refused(shop: Installation) -> None:
    shop.deploy("3")

    done = shop.invoke("rollback", "--yes", check=False)

    assert done.exit_code == NoWayBack.exit_code, told(done)
    assert "declared irreversible: 0004" in told(done)
    assert shop.running("api") == {shop.images["3"]}


def test_a_failed_migration_leaves_what_serves(shop: Installation) -> None:
    with shop.called("1") as account:
        done = shop.deploy("broken", "--seconds", "150", check=False)

    assert done.exit_code == MigrationError.exit_code, told(done)
    assert "Serving now: revision " in told(done)
    assert (account["failed"], account["failures"]) == (0, {})
    assert set(account["versions"]) == {"3"}
    assert shop.running("api") == shop.running("web") == {shop.images["3"]}


def test_a_deploy_after_it_goes_through(shop: Installation) -> None:
    shop.deploy("2")
    assert shop.running("api") == shop.running("worker") == {shop.images["2"]}


def test_the_migrate_job_runs_anew(shop: Installation) -> None:
    assert "migrated" in told(shop.invoke("migrate"))


def test_a_variable_changed_by_hand_is_drift(shop: Installation) -> None:
    shop.kubectl("set", "env", f"deployment/{RELEASE}-worker", "DATABASE_POOL_SIZE-")

    done = shop.invoke("drift", check=False)

    assert done.exit_code == Drifted.exit_code
    assert "DATABASE_POOL_SIZE" in told(done)
