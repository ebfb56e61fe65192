"""Write files all together or not at all, each for its owner alone."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
from typing import TYPE_CHECKING, NamedTuple

from hostwright.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_OWNERS = 0o600


class _Staged(NamedTuple):
    """A file that lies ready beside its place, and what the place held."""

    fresh: Path
    place: Path
    before: bytes | None
    mode: int


def read(path: Path, shown: str) -> str | None:
    """What a file holds; None if there is none.

    Raises:
        UserError: It is a directory, or cannot be read as text.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise UserError(
            f"cannot be read: {why}; nothing was written",
            where=shown,
            remedy="Move it away, or give another directory with --out.",
        ) from error


def together(files: Mapping[Path, str]) -> None:
    """Put every file in place: where one cannot be, all are as they were.

    An interrupt waits until the last is there; before the first it leaves nothing behind.

    Raises:
        UserError: A file cannot be written; nothing was changed.
    """
    staged: list[_Staged] = []
    made: list[Path] = []
    try:
        for path, text in files.items():
            made += _directory(path.parent)
            staged.append(_stage(path.resolve(), text))
        with _undisturbed():
            _move(staged)
    except OSError as error:
        where = str(error.filename2 or error.filename or next(iter(files)))
        raise UserError(
            f"cannot be written: {error.strerror}; nothing was changed",
            where=where,
            remedy="Give another directory with --out.",
        ) from error
    finally:
        for item in staged:
            item.fresh.unlink(missing_ok=True)
        for directory in reversed(made):
            with contextlib.suppress(OSError):  # not empty: it is used
                directory.rmdir()


def _directory(path: Path) -> list[Path]:
    """Make a directory and those above it, for their owner alone; which were made."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700)
    return missing[::-1]


def _stage(place: Path, text: str) -> _Staged:
    if place.is_dir():
        raise IsADirectoryError(21, "it is a directory", str(place))
    before = place.read_bytes() if place.exists() else None
    # What others may read already, such as hosts.yaml, they may read on; nobody may more.
    mode = _OWNERS if before is None else stat.S_IMODE(place.stat().st_mode)
    fresh = place.with_name(f".{place.name}.{os.getpid()}.new")
    _write(fresh, text.encode(), mode)
    return _Staged(fresh, place, before, mode)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNERS)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _move(staged: list[_Staged]) -> None:
    done: list[_Staged] = []
    try:
        for item in staged:
            item.fresh.replace(item.place)
            done.append(item)
    except OSError:
        for item in done:
            _put_back(item)
        raise


def _put_back(item: _Staged) -> None:
    if item.before is None:
        item.place.unlink(missing_ok=True)
    else:
        _write(item.fresh, item.before, item.mode)
        item.fresh.replace(item.place)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep an interrupt waiting for the few renames.

    By a handler, and not by the mask of this thread: another thread would take the signal, and
    Python would still raise it here.
    """
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: came.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
