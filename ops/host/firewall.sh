#!/bin/sh
# Loads the firewall and notes what the kernel made of it, so that a later edit can be told.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
nft -f /usr/local/lib/hostwright/firewall.nft
mkdir -p /run/hostwright
nft -s list table inet hostwright | sha256sum | cut -d ' ' -f 1 >/run/hostwright/firewall.sha256
