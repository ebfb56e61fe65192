from __future__ import annotations

from hostwright.host.steps.distribution import SUPPORTED
from hostwright.rig.suites import SUITES, not_run


def test_every_suite_is_a_system_that_is_supported() -> None:
    assert set(SUITES.values()) <= set(SUPPORTED)


def test_what_no_server_runs_is_named_with_the_reason() -> None:
    assert not_run().startswith("not run: Ubuntu 22.04, Ubuntu 24.04 (")
    assert "Debian's archive" in not_run()
    assert "Debian 12" not in not_run()
