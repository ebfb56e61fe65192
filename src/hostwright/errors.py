"""What can go wrong, by whose fault it is; each class has the exit code of its family.

::

    HostwrightError                    exit code
    ├── UserError                          2   input is wrong: nothing was touched
    │   ├── ContractError                  3   contract.yaml breaks its own rules
    │   ├── SettingsError                  4   hosts.yaml or a flag
    │   ├── ValuesError                    5   values: missing, blank, undeclared, badly secret
    │   ├── ToolError                      6   a tool is missing, too old, or failed
    │   ├── RegistryLogin                  7   a registry asks for a login, or refuses ours
    │   └── NoConsent                      8   a file would be overwritten, and nobody agreed
    ├── FindingsError                      1   validation ran and found faults
    ├── HostError                         10   the server said no, or did not answer
    │   ├── Unreachable                   11   no connection
    │   ├── HostKeyError                  12   unknown or changed host key
    │   ├── LoginError                    13   the key or user was refused
    │   ├── UnsupportedHost               14   not a Debian or Ubuntu we know
    │   ├── PreflightError                15   the host cannot take this now (disk, ports, clock …)
    │   ├── Busy                          16   another command, or a person, holds the host
    │   ├── ProvisionError                17   a provisioning step failed
    │   ├── ReleaseError                  18   the release failed: traffic is where it was
    │   ├── RunnerError                   19   the runner is missing, of another version, or failed
    │   ├── StalePlan                     20   a saved plan no longer holds: nothing was touched
    │   ├── BackupFailed                  22   no backup was made, or not everywhere
    │   ├── StoreUnusable                 23   a repository is out of reach, full or damaged
    │   ├── WrongKey                      24   the key does not open a repository
    │   ├── RestoreFailed                 25   nothing was restored: what served before serves
    │   └── DrillFailed                   26   the newest backup did not prove to restore
    ├── CloudError                        30   a cloud, or its tool, said no
    │   ├── NotLoggedIn                   31   the cloud's tool has no session, or the wrong account
    │   ├── ApplyError                    32   Terraform could not plan or apply
    │   ├── MigrationError                33   the migrate job failed
    │   ├── NotReady                      34   what is deployed does not answer in time
    │   └── Drifted                       35   what runs differs from the contract
    └── KubernetesError                   40   the cluster, Helm or kubectl said no
        ├── NoCluster                     41   no kubeconfig, no such context, or no answer
        ├── Forbidden                     42   the cluster knows us and refuses, or knows us not
        ├── NoRelease                     43   nothing is installed under that name there
        ├── Unfinished                    44   another command works on the release, or was cut off
        ├── RolloutError                  45   the release failed: what served before serves on
        ├── NoWayBack                     46   no revision to return to, or none that can be used
        └── Differs                       47   `kubernetes.diff`: not what is installed

Anything else that reaches the user is a fault of ours: exit code 70, with a traceback.
An interrupt is 130, output that nobody reads any more 141. The numbers are part of the interface.
The docs' page of them is generated from the docstrings here: the first paragraph says what
happened, the second what to do about it.
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
    """What was typed or written is wrong; nothing was touched.

    The message names the place, and what to write instead.
    """

    exit_code = 2


class ContractError(UserError):
    """contract.yaml breaks its own rules.

    Mend ops/contract/contract.yaml where the message says; `invoke contract.check` says whether
    it holds.
    """

    exit_code = 3


class SettingsError(UserError):
    """hosts.yaml or a flag is wrong.

    Correct the key or flag that is named; hosts.example.yaml shows every key.
    """

    exit_code = 4


class ValuesError(UserError):
    """Values for the contract's variables are missing, blank, undeclared or badly secret.

    Give what is named; `invoke contract.check --env-file FILE` asks the same and no host.
    """

    exit_code = 5


class ToolError(UserError):
    """An external tool is missing, of the wrong version, or failed.

    The message says what the tool said; `invoke doctor` says which tools are used, and from where.
    """

    exit_code = 6


class RegistryLogin(UserError):
    """A registry gives an image only after a login, or refuses the one that it was given.

    Name the user, and where the password comes from, in hosts.yaml under registries; or correct
    them.
    """

    exit_code = 7


class NoConsent(UserError):
    """A file that is there would be overwritten, and nobody agreed; nothing was touched.

    Read the difference that is shown, then say --yes, or have the file written elsewhere.
    """

    exit_code = 8


class FindingsError(HostwrightError):
    """Validation ran to its end and found faults.

    Mend what the findings name, each with its place and a remedy. One that you accept is written
    into ops/contract/exemptions.yaml, with a reason and a date.
    """

    exit_code = 1


class HostError(HostwrightError):
    """The server refused, failed or did not answer.

    The message holds what the host said; `invoke vps.status --host NAME` says what serves.
    """

    exit_code = 10


class Unreachable(HostError):
    """No connection to the host.

    Look at the address, the port and the provider's firewall, and whether the server is up.
    """

    exit_code = 11


class HostKeyError(HostError):
    """The host's key is unknown, or not the one that was pinned.

    Compare the fingerprint with the one in the provider's console, then pin it:
    `invoke vps.trust --host NAME`.
    """

    exit_code = 12


class LoginError(HostError):
    """The host refused the user or the key.

    Give the key with `--identity`, or name it in hosts.yaml as identity_file.
    """

    exit_code = 13


class UnsupportedHost(HostError):
    """The host is not a distribution that hostwright knows.

    Install one of those that the message names.
    """

    exit_code = 14


class PreflightError(HostError):
    """The host cannot take this now; nothing was changed on it.

    Mend what is named (disk, ports, clock), and run it again.
    """

    exit_code = 15


class Busy(HostError):
    """Another command holds the host's lock, or a person does.

    Wait for its end; `invoke vps.lock --host NAME` says who it is.
    """

    exit_code = 16


class ProvisionError(HostError):
    """A provisioning step failed.

    Mend what the step says, and provision again: what is done is not done twice.
    """

    exit_code = 17


class ReleaseError(HostError):
    """A release failed; traffic is where it was before.

    Look at what the role wrote, in the message or with `invoke vps.logs --host NAME --role ROLE`,
    mend the application or its values, and deploy again.
    """

    exit_code = 18


class RunnerError(HostError):
    """The host's runner is missing, of another version, or failed.

    `invoke vps.provision --host NAME` installs the runner that this clone talks to.
    """

    exit_code = 19


class StalePlan(HostError):
    """The host, or what is here, changed since a plan was saved; nothing was touched.

    Plan anew: `invoke vps.plan --host NAME --out FILE`.
    """

    exit_code = 20


class BackupFailed(HostError):
    """No backup was made, or what was made is incomplete; what serves was not touched.

    Mend what the message names, and make one: `invoke vps.backup --host NAME`. `vps.backups` says
    what there is.
    """

    exit_code = 22


class StoreUnusable(HostError):
    """A repository of backups is unreachable, full, read-only, too slow or damaged.

    Make it reachable again, or room in it; `invoke vps.backup --host NAME` tries every repository.
    """

    exit_code = 23


class WrongKey(HostError):
    """The backup key does not open a repository.

    Name the key file that the repository was made with, as backup.key_file in hosts.yaml.
    """

    exit_code = 24


class RestoreFailed(HostError):
    """Nothing was restored; what served before serves, with its data.

    Mend what the message names. `invoke vps.restore --host NAME --beside` tries it without
    touching what serves.
    """

    exit_code = 25


class DrillFailed(HostError):
    """The newest backup did not prove to restore.

    Take it that nothing can be restored until a drill passes: `invoke vps.backups --host NAME`
    says why, `invoke vps.drill --host NAME` tries again.
    """

    exit_code = 26


class CloudError(HostwrightError):
    """A cloud, or the tool that speaks to it, refused or failed.

    The message holds what the tool said; `invoke --echo TASK` shows its command lines.
    """

    exit_code = 30


class NotLoggedIn(CloudError):
    """The cloud's tool has no session, or one of another account.

    Log in with the cloud's own tool, to the account that your inputs name.
    """

    exit_code = 31


class ApplyError(CloudError):
    """Terraform could not plan or apply.

    Mend what Terraform says, and plan again; an apply that was cut off goes on with the next.
    """

    exit_code = 32


class MigrationError(CloudError):
    """The migrate job failed; what serves is unchanged.

    Look at the job's log, mend the migration, bring the image, and run the target's task migrate
    again.
    """

    exit_code = 33


class NotReady(CloudError):
    """What is deployed does not answer in time.

    Each role says which dependency it lacks; mend that, and run the target's task smoke again.
    """

    exit_code = 34


class Drifted(CloudError):
    """What runs differs from what the contract says.

    For each difference, either deploy or apply, which brings back what was declared, or write into
    your inputs what was changed by hand.
    """

    exit_code = 35


class KubernetesError(HostwrightError):
    """The cluster, Helm or kubectl refused or failed.

    The message holds what the tool said; `invoke --echo TASK` shows its command lines.
    """

    exit_code = 40


class NoCluster(KubernetesError):
    """There is no kubeconfig, no such context, or the cluster does not answer.

    Look at KUBECONFIG and `kubectl config get-contexts`; `--context` names another one.
    """

    exit_code = 41


class Forbidden(KubernetesError):
    """The cluster refuses what was asked, or the credentials.

    Log in anew, or have the right granted that the message names.
    """

    exit_code = 42


class NoRelease(KubernetesError):
    """Nothing is installed under that name in that namespace.

    Look at `--release`, `--namespace` and `--context`; `invoke kubernetes.deploy` installs.
    """

    exit_code = 43


class Unfinished(KubernetesError):
    """Another command works on the release, or was cut off while it did.

    Wait for its end. If nobody is at work, `invoke kubernetes.rollback` settles it.
    """

    exit_code = 44


class RolloutError(KubernetesError):
    """A release failed; what served before serves on.

    The message names the pods and what they say; mend that, and deploy again.
    """

    exit_code = 45


class NoWayBack(KubernetesError):
    """There is no revision to return to, or none that can live with the database.

    Deploy a version that goes forward.
    """

    exit_code = 46


class Differs(KubernetesError):
    """What the values give is not what is installed.

    Nothing is wrong: `invoke kubernetes.deploy` would change what is shown.
    """

    exit_code = 47
