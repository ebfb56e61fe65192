"""An environment of its own, made of a package that this test writes."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.toolchain import apart, search
from hostwright.toolchain.table import TOOLS, Wanted
from hostwright.toolchain.versions import Range

if TYPE_CHECKING:
    from pathlib import Path

TINY = Wanted("tiny", ("nox -s validate",), versions=Range("1.2", "2"), apart=True)
APART = [row.name for row in TOOLS.values() if row.apart]
FILES = {
    "tiny.py": "def main():\n    print('tiny 1.2.3')\n",
    "tiny-1.2.3.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.2.3\n",
    "tiny-1.2.3.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    "tiny-1.2.3.dist-info/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
}


def package(directory: Path) -> Path:
    """The wheel of a command that says its version."""
    file = directory / "tiny-1.2.3-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
            digest = hashlib.sha256(text.encode()).digest()
            coded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            record += f"{name},sha256={coded},{len(text.encode())}\n"
        archive.writestr("tiny-1.2.3.dist-info/RECORD", f"{record}tiny-1.2.3.dist-info/RECORD,,\n")
    return file


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pinned requirements of the tool, and an empty cache."""
    wheel = package(tmp_path)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    file = tmp_path / "tiny.txt"
    file.write_text(f"--find-links {tmp_path}\ntiny==1.2.3 --hash=sha256:{digest}\n")
    monkeypatch.setattr(apart, "PINS", tmp_path)
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    return file


def test_an_environment_is_made_once_and_its_tool_runs(pins: Path) -> None:
    assert apart.program("tiny") is None
    made = apart.make("tiny")
    assert apart.program("tiny") == made
    assert run([made]).stdout == "tiny 1.2.3\n"
    pins.with_name("tiny-1.2.3-py3-none-any.whl").unlink()
    assert apart.make("tiny") == made


def test_without_uv_python_itself_makes_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    venv, install = apart.commands(tmp_path / "it", tmp_path / "tiny.txt")
    assert venv == [sys.executable, "-m", "venv", str(tmp_path / "it")]
    assert install[:4] == [str(tmp_path / "it" / "bin" / "python"), "-m", "pip", "install"]
    assert "--require-hashes" in install


def test_what_does_not_match_its_hash_is_refused_and_nothing_is_left_to_be_used(pins: Path) -> None:
    pins.write_text(re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", pins.read_text()))
    with pytest.raises(ToolError, match=r"(?i)hash"):
        apart.make("tiny")
    assert apart.program("tiny") is None


def test_other_pins_make_another_environment(pins: Path) -> None:
    before = apart.home("tiny")
    pins.write_text(f"# changed\n{pins.read_text()}")
    assert apart.home("tiny") != before


def test_a_tool_apart_is_found_only_once_it_is_made(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pins.is_file()
    with pytest.raises(ToolError) as caught:
        search.resolve(TINY)
    assert "`nox -s validate` makes an environment" in caught.value.remedy
    monkeypatch.setitem(TOOLS, "tiny", TINY)
    tool = toolchain.provide("tiny")
    assert (tool.version, tool.origin) == ("1.2.3", "package")
    assert search.resolve(TINY) == tool


@pytest.mark.parametrize("name", APART)
def test_pins_are_hashed_in_range_and_without_addresses(name: str) -> None:
    text = apart.pins(name).read_text()
    found = re.search(rf"^{name}==(\S+)", text, re.MULTILINE)
    versions = TOOLS[name].versions
    assert found
    assert versions
    assert found[1] in versions
    assert apart.version(name) == found[1]
    entries = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert apart.pins(name).with_suffix(".in").read_text().startswith(name)
