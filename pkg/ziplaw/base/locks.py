"""Locks between processes: they end with the process, however it ends."""

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]


def lock(handle: int, wait: bool = True) -> bool:
    """Lock an open file or folder until it is closed; return False where there are no locks.

    Some network file systems have none, and systems that are not POSIX.

    Raises
    ------
    BlockingIOError
        When another holds the lock and ``wait`` is False.
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
