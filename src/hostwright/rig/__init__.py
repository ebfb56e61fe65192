"""A rig: throwaway servers, engines and services that are as real as one machine allows.

::

    with Rig("e2e") as rig:
        server = rig.server()                  # Debian 13 in systemd-nspawn, reachable by ssh
        images = rig.images(("1", "2"))        # in a throwaway Docker engine
        rig.acme                               # a certificate authority that can reach the server

Everything is in a ledger before it is made and gone when the block ends, however it ends;
what a killed run left is removed by ``python -m hostwright.rig clean``.
"""

from __future__ import annotations

from hostwright.rig.rig import Rig

__all__ = ["Rig"]
