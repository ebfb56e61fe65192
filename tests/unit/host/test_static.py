from __future__ import annotations

import pytest

from hostwright import paths
from hostwright.host import static
from hostwright.run import run


def test_places_are_filled() -> None:
    assert b"PermitRootLogin no\n" in static.text("sshd.conf", ROOT_LOGIN="no")


@pytest.mark.parametrize(
    "values",
    [{}, {"ROOT_LOGIN": "no", "MORE": "x"}, {"ROOT_LOGIN": "no\nPermitEmptyPasswords yes"}],
)
def test_a_place_without_a_value_or_a_value_that_is_more_than_one_is_refused(
    values: dict[str, str],
) -> None:
    with pytest.raises(ValueError, match=r"sshd\.conf"):
        static.text("sshd.conf", **values)


def test_every_shell_file_is_clean() -> None:
    files = sorted(paths.HOST_FILES.glob("*.sh"))
    assert files
    run(["shellcheck", *files])
