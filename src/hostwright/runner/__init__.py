"""The host's side of a deploy: a state machine that moves whole releases, or moves nothing.

It is shipped as one file (a zipapp, see :mod:`hostwright.runner_archive`), runs on the server's
own Python (3.10 to 3.13) and imports nothing but the standard library and itself. The protocol it
speaks is written down in :mod:`hostwright.runner.protocol`.
"""
