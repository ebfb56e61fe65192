"""What can go wrong, by whose fault it is; each class has the exit code of its family.

::

    HostwrightError                    exit code
    ├── UserError                          2   input is wrong: nothing was touched
    │   ├── ContractError                  3   contract.yaml breaks its own rules
    │   ├── SettingsError                  4   hosts.yaml or a flag
    │   ├── ValuesError                    5   values: missing, blank, undeclared, badly secret
    │   └── ToolError                      6   a tool is missing, too old, or failed
    ├── FindingsError                      1   validation ran and found faults
    ├── HostError                         10   the server said no, or did not answer
    │   ├── Unreachable                   11   no connection
    │   ├── HostKeyError                  12   unknown or changed host key
    │   ├── LoginError                    13   the key or user was refused
    │   ├── UnsupportedHost               14   not a Debian or Ubuntu we know
    │   ├── PreflightError                15   the host cannot take this now (disk, ports, clock …)
    │   ├── Busy                          16   another command holds the host's lock
    │   ├── ProvisionError                17   a provisioning step failed
    │   ├── ReleaseError                  18   the release failed: traffic is where it was
    │   └── RunnerError                   19   the runner is missing, of another version, or failed
    └── CloudError                        30   a cloud, or its tool, said no
        ├── NotLoggedIn                   31   the cloud's tool has no session, or the wrong account
        ├── ApplyError                    32   Terraform could not plan or apply
        ├── MigrationError                33   the migrate job failed
        ├── NotReady                      34   what is deployed does not answer in time
        └── Drifted                       35   what runs differs from the contract

Anything else that reaches the user is a fault of ours: exit code 70, with a traceback.
An interrupt is 130. The numbers are part of the interface; docs are generated from this tree.
"""

from __future__ import annotations

from typing import ClassVar


class HostwrightError(Exception):
    """A failure with a plain explanation.

    Args:
        what: What happened, one sentence.
        where: ``file:line``, key path, host or role; empty if there is no better place.
        remedy: What to do about it, one sentence; empty only where *what* says it already.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f"\n  {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{remedy}"


class UserError(HostwrightError):
    """What was typed or written is wrong; nothing was touched."""

    exit_code = 2


class ContractError(UserError):
    """contract.yaml breaks its own rules."""

    exit_code = 3


class SettingsError(UserError):
    """hosts.yaml or a flag is wrong."""

    exit_code = 4


class ValuesError(UserError):
    """Values for the contract's variables are missing, blank, undeclared or badly secret."""

    exit_code = 5


class ToolError(UserError):
    """An external tool is missing, of the wrong version, or failed."""

    exit_code = 6


class FindingsError(HostwrightError):
    """Validation ran to its end and found faults."""

    exit_code = 1


class HostError(HostwrightError):
    """The server refused, failed or did not answer."""

    exit_code = 10


class Unreachable(HostError):
    """No connection to the host."""

    exit_code = 11


class HostKeyError(HostError):
    """The host's key is unknown, or not the one that was pinned."""

    exit_code = 12


class LoginError(HostError):
    """The host refused the user or the key."""

    exit_code = 13


class UnsupportedHost(HostError):
    """The host is not a distribution that hostwright knows."""

    exit_code = 14


class PreflightError(HostError):
    """The host cannot take this now; nothing was changed on it."""

    exit_code = 15


class Busy(HostError):
    """Another command holds the host's lock."""

    exit_code = 16


class ProvisionError(HostError):
    """A provisioning step failed."""

    exit_code = 17


class ReleaseError(HostError):
    """A release failed; traffic is where it was before."""

    exit_code = 18


class RunnerError(HostError):
    """The host's runner is missing, of another version, or failed."""

    exit_code = 19


class CloudError(HostwrightError):
    """A cloud, or the tool that speaks to it, refused or failed."""

    exit_code = 30


class NotLoggedIn(CloudError):
    """The cloud's tool has no session, or one of another account."""

    exit_code = 31


class ApplyError(CloudError):
    """Terraform could not plan or apply."""

    exit_code = 32


class MigrationError(CloudError):
    """The migrate job failed; what serves is unchanged."""

    exit_code = 33


class NotReady(CloudError):
    """What is deployed does not answer in time."""

    exit_code = 34


class Drifted(CloudError):
    """What runs differs from what the contract says."""

    exit_code = 35
