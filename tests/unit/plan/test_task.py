"""What `vps.deploy --plan` makes of the words that were typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.plan import plans, test_saved

from hostwright.errors import UserError
from hostwright.plan import saved
from hostwright.tasks import vps_plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> str:
    saved.write(tmp_path / "shop.plan", test_saved.agreed(plans.inputs()))
    return str(tmp_path / "shop.plan")


@pytest.mark.parametrize("host", ["", "shop"])
def test_a_plan_brings_its_host_and_its_flags(host: str, file: str) -> None:
    agreed, flags = vps_plan.saved_plan(file, host, images={}, env_file="")
    assert agreed.host == "shop"
    assert flags == {"app_domain": "app.example.com"}


@pytest.mark.parametrize(
    ("host", "given", "said"),
    [
        ("blog", {}, "a plan for shop, not for blog"),
        ("shop", {"images": {"api": "a:1"}}, "--image would say something else"),
        ("shop", {"env_file": "x"}, "--env-file would say something else"),
    ],
)
def test_what_would_be_something_else_is_refused(
    host: str, given: dict[str, Any], said: str, file: str
) -> None:
    with pytest.raises(UserError) as refused:
        vps_plan.saved_plan(file, host, **given)
    assert said in str(refused.value)
