"""``python -m probe api | web | worker [--health] [--name NAME] | migrate up|status``.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import sys

USAGE = "usage: python -m probe api | web | worker [--health] [--name NAME] | migrate up|status"


def main(argv: list[str]) -> int:
    """Run one role; each imports only what it needs, since start-up time is downtime."""
    match argv:
        case ["api"]:
            from probe import api

            return api.main()
        case ["web"]:
            from probe import web

            return web.main()
        case ["worker", "--health"]:
            from probe import heartbeat

            return heartbeat.main()
        case ["worker"] | ["worker", "--name", _]:
            from probe import worker

            return worker.main(*argv[2:])
        case ["migrate", "up" | "status" as verb]:
            from probe import migrate

            return migrate.main(verb)
    sys.stderr.write(USAGE + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
