"""Small files in the data folder: written whole or not at all, private to the owner, and locks on them."""

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from everline.config.supervisor.errors import DataFolderError, FolderInUseError

LOG_LIMIT = 10 * 1024 * 1024


def prepare_folder(path: Path) -> Path:
    """Create a folder of mode 0700 if it is absent and make sure that files can be written in it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        message = (
            f"The folder {path} cannot be written: {error.strerror}. Set EVERLINE_DATA_DIR to another one."
        )
        raise DataFolderError(message) from error
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file's content at once, mode 0600: a reader sees the old or the new text, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def read_or_create_secret(path: Path) -> str:
    """Return the secret in a file, making one of 256 bits first where there is none."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="utf-8").strip()


def rotate(path: Path, limit: int = LOG_LIMIT) -> None:
    """Keep a log below `limit` bytes: its content moves to `<name>.1`, the writer's descriptor stays."""
    if not path.exists() or path.stat().st_size <= limit:
        return
    path.with_name(path.name + ".1").write_bytes(path.read_bytes())
    os.truncate(path, 0)


class FolderLock:
    """An exclusive `flock`: the kernel frees it when the holder dies, so it never has to be cleaned up.

    The file holds the holder's pid for messages. The descriptor is not inherited by children.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock now, or raise `FolderInUseError` naming who has it."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            holder, _, state = self.holder().partition(" ")
            message = (
                f"{self.path.parent} is already in use by process {holder or 'unknown'} {state}".rstrip()
            )
            raise FolderInUseError(f"{message}.") from error
        self._descriptor = descriptor
        self.note("")

    def note(self, state: str) -> None:
        """Tell other processes what the holder is doing."""
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()} {state}".strip().encode("ascii"), 0)

    def holder(self) -> str:
        """Pid and state of who holds the lock or held it last."""
        try:
            return self.path.read_text(encoding="ascii")
        except FileNotFoundError:
            return ""

    def release(self) -> None:
        """Let the lock go; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
