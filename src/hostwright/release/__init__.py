"""A release as data: everything that makes one version run on a host, made without touching it."""
