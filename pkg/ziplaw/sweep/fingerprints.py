"""What tells whether something that no rule makes has changed: a user's files, a corpus of this machine.

The rules take these as params, not the files as inputs. Snakemake compares input files by date and params by equality,
so an older file put in place of a newer one, a deleted file, one that is edited while it is read and one that is dated
in the future are all noticed; and a name may hold anything, braces too.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ..base.documents import sha256_file
from ..errors import ConfigError

# files that come to more than this are told by name, size and date instead of by content
READ_BYTES = 1 << 26


def of_file(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file's content.

    Raises
    ------
    ConfigError
        When there is no such file, or it cannot be read.
    """
    _there(path)
    try:
        return sha256_file(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}: give a file that can be read") from None


def of_source(path: str | os.PathLike) -> str:
    """Return what identifies a file or folder that is imported: how many files, their bytes, and a digest.

    Up to 64 MiB the digest is of names and contents, so copying or touching the files changes nothing; above, of names,
    sizes and dates. Of a folder every file that is not hidden counts, read or not; beside a file the one that may
    describe it (``.idx``).

    Raises
    ------
    ConfigError
        When the path does not exist, or a file in it cannot be read.
    """
    from ..corpora.readers import list_files

    _there(path)
    root = Path(path)
    files = list_files(root) if root.is_dir() else [root, *filter(Path.is_file, [root.with_suffix(".idx")])]
    digest = hashlib.sha256()
    try:
        found = [os.stat(file) for file in files]
        size = sum(status.st_size for status in found)
        for file, status in zip(files, found):
            what = sha256_file(file) if size <= READ_BYTES else f"{status.st_size} {status.st_mtime_ns}"
            digest.update(os.fsencode(os.path.relpath(file, root)) + b"\0" + what.encode() + b"\0")
    except OSError as error:
        where = error.filename or path
        raise ConfigError(f"{where}: {error.strerror or error}: give files that can be read") from None
    return f"{len(files)} file(s), {size} bytes, {digest.hexdigest()}"


def of_builtin(name: str) -> str:
    """Return what identifies a corpus that every machine can have: the version of what brings it, its files and bytes.

    Raises
    ------
    CorpusError
        When this machine has no such corpus.
    """
    from ..corpora.builtin import identity

    return identity(name)


def _there(path):
    if not os.path.exists(path):
        raise ConfigError(f"{path} does not exist: a config's paths are relative to the folder that Snakemake works in")
