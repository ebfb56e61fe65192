"""Scan one image for known vulnerabilities and secrets: the gate between build and tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hostwright import toolchain
from hostwright.errors import FindingsError, ToolError, UserError
from hostwright.run import attached, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEVERITIES = ("HIGH", "CRITICAL")
SCANNERS = ("vuln", "secret")
#: Trivy ends with 1 when it failed itself; a finding must not look like that.
FOUND = 20


def scan(
    reference: str,
    *,
    archive: Path | None = None,
    scanners: Sequence[str] = SCANNERS,
) -> None:
    """Print what an image has of high and critical severity that can be mended, and refuse it.

    Args:
        reference: The image, as its registry knows it; the local engine is not asked.
        archive: An archive of `docker save` to look into, instead.
        scanners: What Trivy looks for.

    Raises:
        FindingsError: Something was found.
        ToolError: Trivy failed: that is no good image either.
        UserError: No image is named.
    """
    if archive is None and (not reference or reference.startswith("-")):
        raise UserError("no image was named", remedy="Give --image, best with its digest.")
    argv = [*toolchain.find("trivy").argv, *words(reference, archive, scanners)]
    name = str(archive or reference)
    match attached(argv):
        case 0:
            return
        case code if code == FOUND:
            raise FindingsError(
                f"has findings of severity {' or '.join(SEVERITIES)} that can be mended",
                where=name,
                remedy="Build it on a newer base, or with newer packages.",
            )
        case code:
            raise ToolError(f"exit code {code}", where=shown(argv))


def words(reference: str, archive: Path | None, scanners: Sequence[str]) -> list[str]:
    """What Trivy is told; pure.

    What nobody has mended yet does not refuse an image: nothing could be built without it.
    """
    what = ["--input", str(archive)] if archive else ["--image-src", "remote", reference]
    return [
        "image",
        "--quiet",
        "--no-progress",
        f"--exit-code={FOUND}",
        f"--severity={','.join(SEVERITIES)}",
        f"--scanners={','.join(scanners)}",
        "--ignore-unfixed",
        *what,
    ]
