"""The wizard: from a preset, a profile and a few answers to the files that a target reads.

::

    presets   what each preset gives and asks (data)
    known     every answer that can be given for a choice, and what a good one is like
    answers   what was typed or written: read, placed, refused
    settle    the questions that are still open, and what holds when none is
    files     the files of a target, from what holds
    hosts     the one file that others write into, too
    existing  what is there already: kept secrets, differences without values
    summary   what was answered, for people, programs and the next run
    proof     what the target's own engine says of the files before they are written
    write     all files or none
    prompt    the questions on a terminal
    wizard    these, one after the other

All but ``prompt``, ``proof``, ``write`` and ``wizard`` only compute.
"""
