"""Backups of a VPS as the operator sees them: settings, the key, what the host is told.

The work itself is the runner's (``runner/backup``); ``tasks/vps_backup.py`` has the commands.
"""
