"""Backups on the host: made, listed, restored, and proven to restore.

``make`` gathers everything into files and stores these in every repository; ``restore`` fetches,
loads beside, compares and exchanges by renames (``swap``); ``drill`` does the same in containers of
its own. What a process that died leaves is settled by the next command (``work.settle``): a backup
says in ``current.json`` that it is at work, a restore in ``restore.json`` how far it came.

``wal`` brings Postgres's log away every few seconds, ``point_in_time`` goes back to a moment of it.
"""
