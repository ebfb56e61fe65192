"""The documentation site: the Markdown of the repository, and the contract as a table to search.

:mod:`nav` orders the pages, :mod:`links` makes their links work on a site, :mod:`stage` says which
files the site is made from, :mod:`matrix` draws the contract; all of that is pure. :mod:`build`
has Zensical make the site, :mod:`mermaid` gets what draws the diagrams.
"""
