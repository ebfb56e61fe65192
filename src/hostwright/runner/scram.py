"""What Postgres keeps of a password: enough to check it, not enough to log in with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

#: Postgres's own number of rounds.
ROUNDS = 4096


def verifier(password: str, salt: bytes = b"", rounds: int = ROUNDS) -> str:
    """The text that ``ALTER ROLE … PASSWORD`` takes in place of the password itself.

    Args:
        password: Printable ASCII; others would have to be normalised first, as Postgres does.
        salt: 16 random bytes where none is given.
        rounds: How often it is hashed.

    Raises:
        ValueError: It has other characters.
    """
    if not (password.isascii() and password.isprintable()):
        raise ValueError("it has characters beyond printable ASCII")
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${rounds}:{shown[0]}${shown[1]}:{shown[2]}"
