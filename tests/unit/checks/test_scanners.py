"""Their JSON, as trivy 0.76 and checkov 3.3 print it, cut to what is read."""

from __future__ import annotations

import json

import pytest

from hostwright.checks.clouds import scanners
from hostwright.checks.finding import Finding

DIRECTORY = "ops/infra/gcp"
TRIVY = {
    "Results": [
        {"Target": ".", "MisconfSummary": {"Successes": 64, "Failures": 0}},
        {
            "Target": "storage.tf",
            "MisconfSummary": {"Successes": 0, "Failures": 1},
            "Misconfigurations": [
                {
                    "ID": "GCP-0077",
                    "Message": "Bucket has logging disabled.",
                    "Resolution": "Enable bucket logging.",
                    "Status": "FAIL",
                    "CauseMetadata": {
                        "Resource": "google_storage_bucket.storage[0]",
                        "StartLine": 3,
                    },
                },
                {"ID": "GCP-0001", "Message": "fine", "Status": "PASS", "CauseMetadata": {}},
            ],
        },
    ]
}
CHECKOV = {
    "results": {
        "passed_checks": [{"file_path": "/gcp/edge.tf"}, {"file_path": "/aws/edge.tf"}],
        "failed_checks": [
            {
                "check_id": "CKV_GCP_62",
                "check_name": "Bucket should log access",
                "resource": 'google_storage_bucket.storage["x"]',
                "file_path": "/gcp/storage.tf",
                "file_line_range": [3, 43],
                "guideline": None,
            }
        ],
    },
}


def test_trivys_failures_are_findings_of_their_resource() -> None:
    checked = scanners.trivy("gcp", DIRECTORY, json.dumps(TRIVY))
    assert checked.count == 65
    assert checked.findings == (
        Finding(
            "trivy-gcp-0077",
            "gcp",
            "ops/infra/gcp/storage.tf",
            3,
            "",
            "google_storage_bucket.storage",
            "Bucket has logging disabled",
            "Enable bucket logging; or accept it in exemptions.yaml with a reason and a day.",
        ),
    )
    [found] = checked.findings
    assert found.object == "gcp/ops/infra/gcp/storage.tf/google_storage_bucket.storage"


@pytest.mark.parametrize("told", [CHECKOV, [CHECKOV]], ids=["one framework", "several"])
def test_checkovs_failures_are_findings_of_their_resource(told: object) -> None:
    checked = scanners.checkov("gcp", DIRECTORY, json.dumps(told))
    assert checked.count == 2
    [found] = checked.findings
    assert found.check == "checkov-ckv_gcp_62"
    assert (found.where, found.variable) == (
        "ops/infra/gcp/storage.tf:3",
        "google_storage_bucket.storage",
    )
    assert found.message == "not so: Bucket should log access"


def test_a_scan_of_nothing_counts_nothing() -> None:
    assert scanners.trivy("gcp", DIRECTORY, "{}").count == 0
    assert scanners.checkov("gcp", DIRECTORY, '{"passed": 0, "failed": 0}').count == 0


def test_what_another_cloud_lacks_is_not_this_ones_finding() -> None:
    assert scanners.checkov("aws", "ops/infra/aws", json.dumps(CHECKOV)).findings == ()


@pytest.mark.parametrize("name", ["trivy", "checkov"])
def test_what_is_no_json_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        scanners.READERS[name]("gcp", DIRECTORY, "panic: no memory")
