from __future__ import annotations

from hostwright import errors
from hostwright.runner.fault import Code


def test_the_codes_are_the_exit_codes_of_the_package() -> None:
    assert {code.name: code.value for code in Code} == {
        "REQUEST": errors.UserError.exit_code,
        "PREFLIGHT": errors.PreflightError.exit_code,
        "BUSY": errors.Busy.exit_code,
        "RELEASE": errors.ReleaseError.exit_code,
        "VERSION": errors.RunnerError.exit_code,
        "BACKUP": errors.BackupFailed.exit_code,
        "STORE": errors.StoreUnusable.exit_code,
        "KEY": errors.WrongKey.exit_code,
        "RESTORE": errors.RestoreFailed.exit_code,
        "DRILL": errors.DrillFailed.exit_code,
        "BUG": errors.HostwrightError.exit_code,
    }
