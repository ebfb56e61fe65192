"""Docs that derive from the contract or the code: pages of their own, and regions in other pages.

Everything but :mod:`.generated` is pure. :mod:`.regions` fills the text between
``<!-- generated: NAME -->`` and ``<!-- /generated -->``; :mod:`.texts` knows the names.
"""
