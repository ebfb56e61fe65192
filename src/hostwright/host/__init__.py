"""Turn a bare Debian or Ubuntu server into a hardened host: facts, then a plan, then apply.

::

    facts       one script, one command: what the host is like now
    preflight   pure: what the host cannot take, before anything is touched
    plan        pure: facts + desired -> changes, by one module of ``steps`` per concern
    apply       the changes as one script in one command, with live progress
    provision   the three in order, with the guard against locking anybody out

Who may do what afterwards
--------------------------
``deploy`` logs in with a key of its own, has no password, is in no powerful group, and may run one
program as root: the runner. It can read this host's facts through it, so a deploy account can see
drift, but not repair it. Changing the host is the business of ``Desired.administrator``:

``admin``           created when the bootstrap user is root: key only, sudo for everything. Root's
                    own login is switched off once admin's has been proven.
the bootstrap user  when that is not root (``debian``, ``ubuntu``): it stays as it is.
``root``            by choice: root keeps logging in, by key only.

So a second provisioning works like the first, by an account that is named in the audit trail of
sudo, and the key that a pipeline holds for ``deploy`` cannot change the host.
"""
