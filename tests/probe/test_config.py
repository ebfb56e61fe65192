from __future__ import annotations

import pytest

from probe.config import Config, ConfigError


@pytest.mark.parametrize("values", [{}, {"NAME": ""}, {"NAME": " \n"}])
def test_a_blank_variable_counts_as_absent(values: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"^NAME is not set$"):
        Config(values).text("NAME")
    assert Config(values).text("NAME", "default") == "default"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "8o", "٣", "1.5", "1 000"])
def test_what_is_not_a_port_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^PORT is not a whole number from 1 to 65535$"):
        Config({"PORT": text}).number("PORT", 8000)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("YES", True), ("1", True), ("off", False), ("0", False)]
)
def test_a_flag_has_the_spellings_of_operators(text: str, *, value: bool) -> None:
    assert Config({"FLAG": text}).flag("FLAG", default=not value) is value


def test_a_flag_that_is_neither_is_refused() -> None:
    with pytest.raises(ConfigError, match="FLAG is neither true nor false"):
        Config({"FLAG": "maybe"}).flag("FLAG", default=False)


def test_a_list_is_comma_separated_and_may_be_empty() -> None:
    config = Config({"HOSTS": " a.test, ,b.test,"})
    assert config.words("HOSTS") == ("a.test", "b.test")
    assert config.words("OTHERS") == ()


@pytest.mark.parametrize(
    "leak",
    [
        "no such scheme: postgresql://app:p%40ss@db/app",
        "password p%40ss refused",
        "password p@ss refused",
        "key is 0123456789-secret",
        "token\n0123456789-secret\nrefused",
    ],
)
def test_scrub_blanks_secrets_whole_and_in_parts(leak: str) -> None:
    values = {"DATABASE_URL": "postgresql://app:p%40ss@db/app", "SECRET_KEY": "0123456789-secret"}
    clean = Config(values).scrub(leak)
    assert "***" in clean
    assert not any(part in clean for part in ("p%40ss", "p@ss", "0123456789", "\n"))
