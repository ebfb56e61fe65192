"""Operate an installation on Kubernetes, through Helm and kubectl.

Modules that are nouns decide and read answers, and start nothing: command lines
(:mod:`~hostwright.cluster.commands`), manifests and their differences, histories, pods, drift,
values. Modules that are verbs (``deploy``, ``rollback``, ``migrate``, ``smoke``, ``graduate``) and
:mod:`~hostwright.cluster.client` do it.
"""
