"""Several hosts by one command: named, run side by side, shown and summed up.

``names`` says which hosts a command means, ``shared`` is what they have in common while it runs,
``run`` starts a thread for each, ``board`` shows them live and ``summary`` says how they ended. A
task's body knows nothing of it: it works on one host, prints, and shows its progress as always.
"""
