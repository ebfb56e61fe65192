"""The host is not what was deployed or provisioned: found, named, with what to do about it.

The runner compares what only the host can see (``runner.drifted``); :mod:`.judge` adds what only
this side knows: the provisioning plan, the contract, the names that need certificates.
"""
