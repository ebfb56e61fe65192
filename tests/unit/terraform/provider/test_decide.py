from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.unit.terraform.lab import LAB

from hostwright.terraform.provider.decide import completed, unconfigurable, written
from hostwright.terraform.provider.values import UNKNOWN

if TYPE_CHECKING:
    from hostwright.terraform.schema import Type

DATABASE, NETWORK, FILE = (LAB.resources[f"lab_{name}"] for name in ("database", "network", "file"))


def decide(path: str, _of: Type) -> str:
    return f"<{path}>"


def test_what_is_computed_and_not_set_is_decided_wherever_it_stands() -> None:
    value = {"name": "main", "size": 5, "listener": [{"name": "a"}, {"name": "b", "port": None}]}
    full = completed(DATABASE, value, decide)
    assert full["size"] == 5
    assert full["address"] == "<address>"
    assert full["listener"] == [
        {"name": "a", "port": "<listener.0.port>"},
        {"name": "b", "port": "<listener.1.port>"},
    ]


def test_what_is_neither_set_nor_computed_stays_null_and_every_attribute_is_there() -> None:
    full = completed(NETWORK, {"range": "10.0.0.0/8", "rule": [], "owner": []}, decide)
    assert full == {"id": "<id>", "range": "10.0.0.0/8", "zones": None, "rule": [], "owner": []}


def test_single_blocks_are_completed_and_absent_ones_stay_absent() -> None:
    assert completed(DATABASE, {"timeouts": {}}, decide)["timeouts"] == {"create": None}
    assert completed(DATABASE, {}, decide)["timeouts"] is None


def test_unknown_is_decided_where_computed_and_kept_where_configured() -> None:
    full = completed(DATABASE, {"name": UNKNOWN, "address": UNKNOWN, "listener": UNKNOWN}, decide)
    assert full["name"] is UNKNOWN
    assert full["address"] == "<address>"
    assert full["listener"] is UNKNOWN


def test_write_only_values_are_told_with_their_paths_and_never_kept() -> None:
    value = {"owner": [{"mail": "a@b.test", "secret": [{"text_wo": "x"}, {"text_wo": None}]}]}
    assert list(written(NETWORK, value)) == [("owner.0.secret.0.text_wo", "x")]
    assert completed(NETWORK, value, decide)["owner"][0]["secret"][0] == {"text_wo": None}


def test_blocks_that_travel_with_their_type_pass_through() -> None:
    pair = [b'["tuple",[["object",{"anything":"string"}]]]', [{"anything": "x"}]]
    assert completed(FILE, {"open": pair}, decide)["open"] == pair
    assert list(unconfigurable(FILE, {"open": pair})) == []


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"address": "10.0.0.1"}, ("address",)),
        ({"port": UNKNOWN}, ("port",)),
        ({"listener": [{"name": "a"}, {"name": "b", "port": 1}]}, ("listener", 1, "port")),
    ],
)
def test_setting_what_the_provider_decides_is_an_error_at_its_place(
    value: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    [fault] = unconfigurable(DATABASE, value)
    assert fault.path == path
    assert f'"{path[-1]}"' in fault.detail


def test_elements_of_sets_have_no_place_of_their_own() -> None:
    [fault] = unconfigurable(NETWORK, {"rule": [{"name": "a", "port": 1}]})
    assert fault.path == ("rule",)


def test_what_may_be_set_is_no_error() -> None:
    assert not list(unconfigurable(DATABASE, {"id": "x", "size": 1, "name": "n", "public": None}))
