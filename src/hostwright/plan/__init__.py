"""What a deploy would change on a host, before it does: computed purely, shown, saved, held to.

:mod:`.make` computes a plan from what is here, the host's greeting and its answer ``planned``;
:mod:`.operate` asks the host; :mod:`.saved` writes a plan and refuses it when it no longer holds.
"""
