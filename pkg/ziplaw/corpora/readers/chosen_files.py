"""Which files of a folder are read: sources, a data set's records, or a refusal where both could be meant."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import CorpusError, shown
from ..storage.files import KINDS, InputFile, inner_suffix
from .fields import choose_field
from .jsonl import looks_like

# what stands beside the data of a data set and is none of it
_CARD = re.compile(
    r"(readme|licen[sc]e|copying|citation|notice|changelog|contributing|checksums?|(sha256|md5)sums?)\b.*"
    r"|(dataset_infos?|dataset_dict|state|croissant)\.json",
    re.I,
)
_SPLIT = re.compile(r"(?<![a-z])(train|test|eval|valid|val|dev)(ing|ation|uation|idation|elopment)?(?![a-z])")
_SPLITS = {"val": "validation", "valid": "validation", "dev": "validation", "eval": "test"}
_FIRST_SHARD = re.compile(r"-0+-of-\d+")
# a kind of files is left out without a question up to so many files and this share of the bytes of what is read: of
# records beside text less, since they are packed
_MINOR_FILES, _MINOR_SHARE, _MINOR_BESIDE_TEXT = 10, 0.1, 0.01
_NAMED = 3


@dataclass
class Choice:
    """The files of a folder that are read.

    Attributes
    ----------
    files : list of InputFile
        In reading order.
    records : bool
        They hold records; else each is a text.
    left_out : dict of str to int or None
        As of a `sources.TextSource`.
    notes : Counter
        What could not be listed.
    """

    files: list[InputFile]
    records: bool
    left_out: dict[str, int | None] = field(default_factory=dict)
    notes: Counter = field(default_factory=Counter)

    @property
    def what(self) -> str:
        """What is read, in words."""
        return in_words(self.files)


def in_words(files: Sequence[InputFile]) -> str:
    """Return how many files of what kind these are."""
    kinds = {file.kind for file in files}
    word = KINDS[kinds.pop()].words if len(kinds) == 1 else "text"
    return f"{len(files)} file{'s' * (len(files) != 1)} of {word}" + (f" ({_endings(files)})" if files else "")


def _endings(files):
    counts = Counter("".join(inner_suffix(file.document)) or "no ending" for file in files)
    words = [f"{suffix} {n}" if len(counts) > 1 else suffix for suffix, n in counts.most_common(4)]
    return ", ".join(words) + (", ..." if len(counts) > 4 else "")


def list_files(folder: str | os.PathLike, notes: Counter | None = None) -> list[Path]:
    """List a folder's files, recursively, sorted by path, whatever the file system's order.

    Hidden files and folders and __pycache__ are left out, links to folders are not followed (so a loop of links is
    harmless), and what is no regular file is skipped. ``notes`` counts what could not be listed.
    """
    notes = Counter() if notes is None else notes

    def unreadable(_):
        notes["unreadable folders"] += 1

    found = []
    for parent, folders, files in os.walk(os.fspath(folder), onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    # os.path.isfile is False, where Path.is_file raises, behind a link that may not be followed
    found = [path for path in found if os.path.isfile(path)]
    return sorted(found, key=lambda path: [os.fsencode(part) for part in path.relative_to(folder).parts])


def choose_files(
    folder: Path, extensions: Sequence[str] = (), wanted: str | None = None, kind: str | None = None
) -> Choice:
    """Choose the files of a folder that are read.

    Parameters
    ----------
    folder : Path
        The folder.
    extensions : sequence of str
        Only files that end so, whatever they are.
    wanted : str, optional
        The field of the records, if the user named it: then .json files that have it are records.
    kind : str, optional
        Read all files as this kind.

    Raises
    ------
    CorpusError
        When there is nothing to read, or two readings are possible that differ.
    """
    notes: Counter[str] = Counter()
    paths = list_files(folder, notes)
    if not extensions and kind is None and (saved := _saved_dataset(folder, paths)):
        return saved
    files = [
        InputFile.of(path, os.fsencode(path.relative_to(folder)).decode("utf-8", "replace"), kind) for path in paths
    ]
    left: dict[str, int | None] = {}
    n_ids = sum(file.holds_ids for file in files)
    if extensions:
        endings = tuple(e.lower() if e.startswith(".") else f".{e.lower()}" for e in extensions)
        kept = [file for file in files if file.document.lower().endswith(endings)]
        left |= {"files with other endings": len(files) - len(kept)}
        files = kept
    groups = _grouped(files, wanted)
    cards = groups.pop("cards")
    if not any(groups[record] for record in _records()):
        groups["text"] += cards
        cards = []
    main = _main_group(folder, groups, bool(extensions))
    if main is None:
        only = f" ending in {' '.join(endings)}" if extensions else ""
        ids_too = f" ({n_ids} of token ids: give those one by one)" if n_ids else ""
        raise CorpusError(f"{folder} has no text file{only}{ids_too}: give a folder of text, code or JSON lines")
    for name, group in groups.items():
        if name != main:
            _leave_out(left, group, f"files of {_words(name)}")
    chosen = groups[main]
    if main in _records():
        _leave_out(left, cards, "files about the data")
        chosen = _training_split(folder, chosen, left)
        _one_configuration(folder, chosen, bool(extensions))
    else:
        chosen = chosen + cards
    order = {file: i for i, file in enumerate(files)}
    # a .json that turned out to hold records is another InputFile than the one listed
    place = {file.document: i for file, i in order.items()}
    chosen.sort(key=lambda file: place[file.document])
    return Choice(chosen, main in _records(), {what: n for what, n in left.items() if n != 0}, notes)


def keep_unseen(choice: Choice, seen: set[tuple[int, int]]) -> None:
    """Leave out of a choice the files, by device and number, that are read elsewhere; add the others to ``seen``."""
    unseen = []
    for file in choice.files:
        status = os.stat(file)
        key = status.st_dev, status.st_ino
        if key not in seen:
            seen.add(key)
            unseen.append(file)
    if len(unseen) < len(choice.files):
        choice.left_out["files read already"] = len(choice.files) - len(unseen)
        choice.files = unseen


def _records():
    return [name for name, kind in KINDS.items() if kind.holds in ("records", "table")]


def _words(group):
    return "token ids" if group == "ids" else KINDS[group].words


def _leave_out(left, files, what):
    if len(files) <= _NAMED:
        left |= dict.fromkeys(file.document for file in files)
    else:
        left[what] = left.get(what, 0) + len(files)


def _as(file, kind):
    return InputFile(file.path, file.label, file.document, kind, file.packed)


def _grouped(files, wanted):
    groups: dict[str, list[InputFile]] = {name: [] for name in (*_records(), "text", "ids", "cards")}
    for file in files:
        if _CARD.fullmatch(Path(file.document).name):
            groups["cards"].append(_as(file, "text"))
        elif file.holds_records:
            groups[file.kind].append(file)
        elif file.holds_ids:
            groups["ids"].append(file)
        elif file.kind == "json" and _holds_records(file, wanted):
            groups["jsonl"].append(_as(file, "jsonl"))
        else:
            groups["text"].append(_as(file, "text"))
    return groups


def _holds_records(file, wanted):
    """Whether a .json file in a folder is a part of a data set: records with a field of text known by its name."""
    try:
        forms = looks_like(file)
        return bool(forms) and not choose_field(forms, wanted, str(file))[2]
    except (CorpusError, OSError):
        return False


def _main_group(folder, groups, said):
    """Return the name of the group of files that is read; None when there is nothing to read."""
    bytes_of = {name: sum(_size(file) for file in group) for name, group in groups.items()}
    found = sorted((name for name in groups if groups[name]), key=lambda name: -bytes_of[name])
    records = [name for name in found if name in _records()]
    if "text" in found and not records:
        # binaries among sources are nothing unusual, a text beside the ids made of it is a question
        return "text" if bytes_of["ids"] <= bytes_of["text"] or said else _ask(folder, groups, bytes_of, found)
    if not records:
        return None
    main = found[0] if found[0] != "ids" else _ask(folder, groups, bytes_of, found)
    for name in found[1:]:
        share = _MINOR_BESIDE_TEXT if main == "text" and name in _records() else _MINOR_SHARE
        if len(groups[name]) > _MINOR_FILES or bytes_of[name] > share * bytes_of[main]:
            _ask(folder, groups, bytes_of, found)
    return main


def _ask(folder, groups, bytes_of, found):
    has = ", ".join(f"{len(groups[name])} of {_words(name)} ({bytes_of[name]} bytes)" for name in found)
    endings = [inner_suffix(groups[name][0].document)[0].lstrip(".") for name in found if name != "ids"]
    raise CorpusError(
        f"{folder} holds files of several kinds, {has}, and could be read in several ways: say which files with "
        f"{' or '.join(f'--ext {e}' for e in endings if e) or '--ext'}, or give a file or folder within it"
    )


def _size(file):
    try:
        return os.path.getsize(file)
    except OSError:
        return 0


def _split_of(file):
    for part in reversed(Path(file.document.lower()).parts):
        if found := _SPLIT.search(part):
            return _SPLITS.get(found.group(1), found.group(1))
    return ""


def _training_split(folder, files, left):
    """Keep the training split where names tell it from held-out ones."""
    splits: dict[str, list[InputFile]] = {}
    for file in files:
        splits.setdefault(_split_of(file), []).append(file)
    if len(splits) == 1:
        return files
    if "" in splits or "train" not in splits:
        names = sorted(splits.keys() - {""})
        unnamed = f", {splits[''][0].document} tells none" if "" in splits else ""
        raise CorpusError(
            f"{folder} has files of the splits {', '.join(names)} by their names{unnamed}: give the files of one split "
            "one by one, or in a folder of their own"
        )
    for name, group in splits.items():
        if name != "train":
            left[f"files of the split {name}"] = len(group)
    return splits["train"]


def _one_configuration(folder, files, said):
    """Refuse what is several data sets: each has a first shard of its own, in a folder of its own."""
    firsts = {str(Path(file.document).parent): file for file in files if _FIRST_SHARD.search(file.document)}
    packed = Counter(file.document.removesuffix(file.packed) for file in files)
    twice = next((name for name, n in packed.items() if n > 1), None)
    if twice:
        raise CorpusError(f"{folder} holds {twice} packed and unpacked: give one of them, or move it away")
    if len(firsts) > 1 and not said:
        names = sorted(firsts)
        some = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
        ending = inner_suffix(files[0].document)[0].lstrip(".")
        raise CorpusError(
            f"{folder} holds {len(firsts)} data sets ({some}): give one of these folders, or --ext {ending} for all"
        )


def _saved_dataset(folder, paths):
    """Return the choice for what the datasets library saved with save_to_disk; None for any other folder."""
    splits = _json(folder / "dataset_dict.json").get("splits")
    left: dict[str, int | None] = {}
    if (
        isinstance(splits, list)
        and splits
        and all(isinstance(name, str) and Path(name).name == name for name in splits)
    ):
        if "train" not in splits and len(splits) > 1:
            raise CorpusError(f"{folder} has the splits {', '.join(splits)}: give one of these folders")
        chosen = "train" if "train" in splits else splits[0]
        left |= {f"the split {name}": None for name in splits if name != chosen}
        within = Path(chosen)
    else:
        within = Path()
    names = _json(folder / within / "state.json").get("_data_files")
    if not isinstance(names, list) or not all(
        isinstance(n, dict) and isinstance(n.get("filename"), str) for n in names
    ):
        return None
    files = []
    for name in names:
        document = within / Path(name["filename"]).name
        if not os.path.isfile(folder / document):
            raise CorpusError(
                f"{folder}: its state.json lists {shown(name['filename'])}, which is not there: fetch it again"
            )
        files.append(InputFile.of(folder / document, document.as_posix(), "arrow"))
    read = {file.document for file in files}
    others = [InputFile.of(path, path.relative_to(folder).as_posix()) for path in paths]
    others = [f for f in others if f.document not in read and Path(f.document).is_relative_to(within)]
    _leave_out(left, others, "other files")
    return Choice(files, True, left)


def _json(path):
    try:
        found = json.loads(path.read_bytes()) if path.is_file() and path.stat().st_size < 1 << 24 else {}
    except (ValueError, OSError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
