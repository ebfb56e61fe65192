"""Helm itself, and the Kubernetes objects that it renders.

:mod:`.cli` runs it and tells a chart that refuses values from one that is broken; :mod:`.manifest`
reads what it rendered; :mod:`.messages` knows what its errors look like, and ours.
"""
