"""One module per concern. Each says what it reads (``watch``) and what it would change (``plan``).

Both are pure. A module that needs packages has a function ``packages`` beside them; all packages
are installed by one call of apt-get (:mod:`hostwright.host.steps.packages`).
"""
