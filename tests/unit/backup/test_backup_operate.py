"""What the operator's side decides when a host is recovered."""

from __future__ import annotations

from typing import Any

import pytest

from hostwright.backup import operate
from hostwright.errors import UserError
from hostwright.images import LocalImage

API = LocalImage("shop:1", "sha256:" + "a" * 64, "amd64", 5, ())
PINNED = f"postgres@sha256:{'b' * 64}"


def test_only_what_no_registry_has_and_the_host_lacks_is_sent() -> None:
    needed: dict[str, dict[str, Any]] = {
        "api": {"ref": "hostwright/shop-api:aaaa", "id": API.id},
        "web": {"ref": "hostwright/shop-web:cccc", "id": "sha256:cc"},
        "postgres": {"ref": PINNED, "id": None},
    }
    on_host = {"hostwright/shop-web:cccc": "sha256:cc"}

    wanted = operate.missing(needed, on_host)

    assert wanted == {"hostwright/shop-api:aaaa": API.id}
    assert operate.to_send(wanted, {API.id: API}) == {"hostwright/shop-api:aaaa": API}


def test_an_image_that_is_nowhere_is_named() -> None:
    with pytest.raises(UserError, match="has no image sha256:aaaa") as refused:
        operate.to_send({"hostwright/shop-api:aaaa": API.id}, {})
    assert refused.value.where == "hostwright/shop-api:aaaa"
