"""Programs taken out of a package that this test writes: a wheel with a tarball with a zip."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.unit.archives import tarball

from hostwright import toolchain
from hostwright.errors import ToolError
from hostwright.run import run
from hostwright.toolchain import apart, search, unpacked
from hostwright.toolchain.table import TOOLS, Inside, Wanted
from hostwright.toolchain.versions import Range

if TYPE_CHECKING:
    from pathlib import Path

RANGE = Range("4", "5")
HELM = Wanted("hull", ("invoke x",), RANGE, inside=Inside("tiny-layer", "tiny", "helm/hull"))
KUBECTL = Wanted("oar", ("invoke x",), RANGE, inside=Inside("tiny-layer", "tiny", "kubectl/oar"))
INSIDE = [row for row in TOOLS.values() if row.inside]
LAYER = "package/lib/layer.zip"
PROGRAMS = {
    "helm/hull": "#!/bin/sh\necho v4.1.2\n",
    "kubectl/oar": "#!/bin/sh\necho v4.3.0\n",
    "other/heavy": "not wanted",
}
METADATA = {
    "METADATA": "Metadata-Version: 2.1\nName: tiny-layer\nVersion: 7\nRequires-Dist: huge>=1\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def zipped(files: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made.getvalue()


def wheel(directory: Path, packed: bytes) -> Path:
    """A wheel that depends on what no index has, and holds the tarball *packed*."""
    file = directory / "tiny_layer-7-py3-none-any.whl"
    told = "tiny_layer-7.dist-info"
    held = {"aws_cdk/tiny/_jsii/tiny@7.jsii.tgz": packed}
    held |= {f"{told}/{name}": text.encode() for name, text in METADATA.items()}
    record = ""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            record += f"{name},sha256={digest.decode().rstrip('=')},{len(content)}\n"
        archive.writestr(f"{told}/RECORD", f"{record}{told}/RECORD,,\n")
    return file


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pins of the package, and an empty cache."""
    monkeypatch.setattr(apart, "PINS", tmp_path)
    monkeypatch.setenv("HOSTWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TOOLS, "hull", HELM)
    monkeypatch.setitem(TOOLS, "oar", KUBECTL)
    return pinned(tmp_path, tarball({LAYER: zipped(PROGRAMS)}))


def pinned(directory: Path, packed: bytes) -> Path:
    """Pins of a wheel with this tarball."""
    made = wheel(directory, packed)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    file = directory / "tiny.txt"
    file.write_text(f"--find-links {directory}\ntiny-layer==7 --hash=sha256:{digest}\n")
    return file


def make(wanted: Wanted) -> Path:
    assert wanted.inside
    return unpacked.make(wanted.inside)


def program(wanted: Wanted) -> Path | None:
    assert wanted.inside
    return unpacked.program(wanted.inside)


def test_programs_of_one_package_are_unpacked_together_and_nothing_else_is_kept(pins: Path) -> None:
    assert program(HELM) is None
    made = make(HELM)
    assert run([made]).stdout == "v4.1.2\n"
    assert program(KUBECTL) == make(KUBECTL) == made.with_name("oar")
    assert sorted(path.name for path in made.parent.iterdir()) == ["hull", "oar"]
    kept = sorted(path.name for path in made.parents[1].iterdir())
    assert kept == [made.parent.name, f"{made.parent.name}.lock"]
    pins.with_name("tiny_layer-7-py3-none-any.whl").unlink()
    assert make(HELM) == made  # nothing is asked for again


def test_without_uv_the_same_is_unpacked_by_pip(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pins.is_file()
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("UV", raising=False)
    assert shutil.which("uv") is None
    assert run([make(HELM)]).stdout == "v4.1.2\n"


def test_what_does_not_match_its_hash_is_refused_and_nothing_is_left(pins: Path) -> None:
    pins.write_text(re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", pins.read_text()))
    with pytest.raises(ToolError, match=r"(?i)hash"):
        make(HELM)
    assert program(HELM) is None
    assert list((pins.parent / "cache" / "tools").glob("tiny-*.new")) == []


@pytest.mark.parametrize(
    ("packed", "what"),
    [
        (tarball({"package/other": b""}), "layer.zip"),
        (tarball({LAYER: b"no zip"}), "not a zip"),
        (tarball({LAYER: zipped({"helm/hull": "x"})}), "kubectl/oar"),
        (tarball({LAYER: zipped(PROGRAMS)})[:90], "tiny: is not packaged"),
        (b"no tarball", "not a gzip file"),
    ],
    # The bytes hold the time, and every worker must find the same names.
    ids=["no layer", "no zip in it", "a program too few", "cut off", "no tarball"],
)
def test_a_package_of_another_shape_is_told_and_leaves_no_half_of_it(
    pins: Path, packed: bytes, what: str
) -> None:
    pinned(pins.parent, packed)
    with pytest.raises(ToolError) as caught:
        make(HELM)
    assert what in str(caught.value)
    assert program(HELM) is None


def test_what_an_interrupted_run_left_behind_is_replaced(pins: Path) -> None:
    assert pins.is_file()
    left = unpacked.home("tiny")
    left = left.with_name(f"{left.name}.new") / "programs"
    left.mkdir(parents=True)
    (left / "hull").write_text("half of it")
    assert run([make(HELM)]).stdout == "v4.1.2\n"


def test_other_pins_and_other_programs_are_unpacked_anew(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = {unpacked.home("tiny")}
    monkeypatch.delitem(TOOLS, "oar")
    homes.add(unpacked.home("tiny"))
    pins.write_text(f"# changed\n{pins.read_text()}")
    homes.add(unpacked.home("tiny"))
    assert len(homes) == 3


def test_the_interpreter_makes_no_difference(pins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pins.is_file()
    before = unpacked.home("tiny")
    monkeypatch.setattr("sys.version", "4.0 of another kind")
    assert unpacked.home("tiny") == before


def test_it_is_found_once_it_was_provided_and_never_missed(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pins.is_file()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError) as caught:
        search.resolve(HELM)
    assert caught.value.what == "package tiny-layer is not unpacked yet"
    assert "put one on PATH that is >=4,<5" in caught.value.remedy
    assert not HELM.essential
    toolchain.provide.cache_clear()
    tool = toolchain.provide("hull")
    assert (tool.version, tool.origin, tool.why) == ("4.1.2", "package", "none on PATH")
    assert search.resolve(HELM) == tool


def test_the_one_on_path_is_used_without_unpacking(
    pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pins.is_file()
    (tmp_path / "hull").write_text("#!/bin/sh\necho v4.2.0\n")
    (tmp_path / "hull").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    toolchain.provide.cache_clear()
    tool = toolchain.provide("hull")
    assert (tool.version, tool.origin) == ("4.2.0", "path")
    assert program(HELM) is None


def test_a_program_for_another_kind_of_machine_is_refused_by_name(
    pins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    make(HELM).write_bytes(b"\x7fELF of another machine")
    toolchain.provide.cache_clear()
    with pytest.raises(ToolError, match="hull gives no version"):
        toolchain.provide("hull")
    assert pins.is_file()


def test_a_tool_that_nobody_makes_is_still_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(TOOLS, "oar", Wanted("oar", ("invoke x",), apt="oar-tools"))
    toolchain.provide.cache_clear()
    with pytest.raises(ToolError) as caught:
        toolchain.provide("oar")
    assert caught.value.remedy == "`apt install oar-tools` on Debian or Ubuntu."


# --- the real ones -----------------------------------------------------------------------------


@pytest.mark.parametrize("row", INSIDE, ids=lambda row: row.name)
def test_pins_hold_the_package_alone_hashed_and_without_addresses(row: Wanted) -> None:
    assert row.inside
    text = apart.pins(row.inside.pins).read_text()
    assert re.findall(r"^([\w-]+)==", text, re.MULTILINE) == [row.inside.package]
    assert "--hash=sha256:" in text
    assert "://" not in text
    asked = apart.pins(row.inside.pins).with_suffix(".in").read_text()
    assert asked.startswith("# --no-deps")  # noxfile.py reads it
    assert f"\n{row.inside.package}>=" in asked


@pytest.mark.parametrize("row", INSIDE, ids=lambda row: row.name)
def test_what_the_package_holds_starts_and_is_in_range(row: Wanted) -> None:
    found = search.taken_out(row, make(row))
    assert found.refusal == ""
    assert row.versions
    assert found.version in row.versions


def test_the_two_majors_of_helm_are_two_whatever_is_on_path() -> None:
    majors = [toolchain.provide(name).version.split(".")[0] for name in ("helm-3", "helm-4")]
    assert majors == ["3", "4"]
