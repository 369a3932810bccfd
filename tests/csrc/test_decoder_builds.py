"""Every build of the decoder's core, by every compiler at hand and on an emulated machine, computes the same bits.

The programs beside this file do the work: ``decoder_check.c`` trains small models and prints hashes, ``vector_check.c``
holds the arithmetic to libm's. Everything is compiled and run from the start, two at a time; a test waits for its part.
"""

import ast
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from houses import ROOT

CORE, PROGRAMS = ROOT / "ext/src/decoder", ROOT / "tests/csrc"
# compiler: how its programs are run here, and the Debian packages that bring both
FOREIGN = "aarch64-linux-gnu-gcc"
PACKAGES = {
    "cc": "gcc",
    "clang": "clang",
    FOREIGN: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "qemu-aarch64": "qemu-user",
    "qemu-x86_64": "qemu-user",
}
COMPILED = [(compiler, level) for compiler in ("cc", "clang", FOREIGN) for level in ("-O3", "-O1")]


def flags():
    """The flags of setup.py, without its optimisation."""
    found = []
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign | ast.AugAssign) and "FLAGS" in ast.unparse(node).split()[0]:
            found += ast.literal_eval(node.value)
    assert "-ffp-contract=off" in found
    return [flag for flag in found if not flag.startswith("-O")]


def missing(*tools):
    return [f"no {tool}: install {PACKAGES[tool]} (Debian)" for tool in tools if shutil.which(tool) is None]


def lines_of(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr}"
    return done.stdout.splitlines()


class Bench:
    """Programs that are compiled and run by two threads, and what they print."""

    def __init__(self, folder):
        self.folder = folder
        self.pool = ThreadPoolExecutor(2)
        self.programs = {(c, level): self.pool.submit(self.build, c, level) for c, level in COMPILED if not missing(c)}
        self.printed = {key: self.pool.submit(self.print, *key) for key in self.programs}

    def objects(self, name, compiler, level, sources, *more):
        """Compile sources to a folder of this name; the objects by stem."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        include = [f"-I{ROOT}/ext/src", f"-I{CORE}"]
        command = [compiler, level, *flags(), "-Werror", *include, *more, "-c", *map(str, sources)]
        subprocess.run(command, cwd=folder, check=True)
        return {path.stem: path for path in folder.glob("*.o")}

    def link(self, program, compiler, objects):
        still = ["-static"] if compiler == FOREIGN else []
        subprocess.run([compiler, *still, *map(str, objects.values()), "-o", str(program), "-lm"], check=True)
        return program

    def build(self, compiler, level):
        name = f"{compiler}{level}"
        sources = [PROGRAMS / "decoder_check.c", *sorted(CORE.glob("*.c"))]
        return self.link(self.folder / f"check-{name}", compiler, self.objects(name, compiler, level, sources))

    def print(self, compiler, level):
        """What every build prints, by its name; the best one on larger shapes too."""
        program = self.programs[compiler, level].result()
        if compiler == FOREIGN:
            return {} if missing("qemu-aarch64") else {"plain": lines_of("qemu-aarch64", program, "plain")}
        best, *others = lines_of(program, "--list")
        return {best: lines_of(program, "--long", best)} | {build: lines_of(program, build) for build in others}

    def altered(self, name, alter, *more):
        """What cc's v3 prints after a change to its source."""
        source = self.folder / f"{name}.c"
        source.write_text(alter((CORE / "decoder_v3.c").read_text()))
        self.programs["cc", "-O1"].result()
        usual = {path.stem: path for path in (self.folder / "cc-O1").glob("*.o")}
        del usual["decoder_v3"]
        program = self.folder / f"check-{name}"
        self.link(program, "cc", usual | self.objects(name, "cc", "-O1", [source], *more))
        return lines_of(program, "v3")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    if missing("cc"):
        pytest.skip(missing("cc")[0])
    bench = Bench(tmp_path_factory.mktemp("builds"))
    yield bench
    bench.pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def expected(bench):
    """The lines of the best build of cc at -O3: shapes, then denormals and numbers that are not finite."""
    lines = next(iter(bench.printed["cc", "-O3"].result().values()))
    assert len(lines) > 25
    assert len({line.split(": ")[1] for line in lines}) == len(lines)
    return lines


def first_difference(lines, expected):
    return next((pair for pair in zip(lines, expected, strict=False) if pair[0] != pair[1]), None)


@pytest.mark.parametrize(("compiler", "level"), COMPILED)
def test_every_build_computes_the_same_bits(bench, expected, compiler, level):
    lacking = missing(compiler, *(["qemu-aarch64"] if compiler == FOREIGN else []))
    if lacking:
        pytest.skip(lacking[0])
    printed = bench.printed[compiler, level].result()
    assert printed
    for lines in printed.values():
        assert first_difference(lines, expected) is None
        assert len(lines) >= 22


def has(build, bench):
    return build in lines_of(bench.programs["cc", "-O3"].result(), "--list")


@pytest.mark.parametrize(("width", "rows"), [(16, 8), (4, 2), (8, 5)])
def test_no_width_of_vectors_or_tiles_changes_a_bit(bench, expected, width, rows):
    """Sixteen floats and eight rows are those of v4, here on a processor without AVX-512."""
    if not has("v3", bench):
        pytest.skip("the processor has no AVX2")

    def alter(source):
        for name, number in (("ZL_WIDTH 8", f"ZL_WIDTH {width}"), ("ZL_MOST_ROWS 6", f"ZL_MOST_ROWS {rows}")):
            assert name in source
            source = source.replace(name, number)
        return source

    assert first_difference(bench.altered(f"wide{width}", alter), expected) is None


def test_contraction_would_be_seen(bench, expected):
    if not has("v3", bench):
        pytest.skip("the processor has no AVX2")
    lines = bench.altered("contracted", lambda source: source, "-ffp-contract=fast")
    assert first_difference(lines, expected) is not None


@pytest.mark.parametrize(("processor", "builds"), [("Nehalem", ["v2"]), ("Haswell", ["v3", "v2"])])
def test_a_processor_is_given_the_best_build_that_it_runs(bench, expected, processor, builds):
    """An instruction that the processor has not would end the program."""
    if missing("qemu-x86_64"):
        pytest.skip(missing("qemu-x86_64")[0])
    program = bench.programs["cc", "-O3"].result()
    if "plain" in bench.printed["cc", "-O3"].result():
        pytest.skip("not an x86-64 machine")
    emulated = ["qemu-x86_64", "-cpu", processor, program]
    assert lines_of(*emulated, "--list") == builds
    assert first_difference(lines_of(*emulated, "--first", 4, *builds), expected) is None


def test_a_build_that_does_not_run_is_refused(bench):
    program = bench.programs["cc", "-O3"].result()
    done = subprocess.run([program, "v9"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "build v9 does not run here\n")


@pytest.fixture(scope="module")
def arithmetic(bench):
    """What vector_check prints as each build would compute, by compiler and build."""
    wanted = {
        ("cc", "v2"): ["-msse4.2"],
        ("cc", "v3"): ["-mavx2", "-mfma", "-DZL_WIDTH=8", "-DZL_FMA=1"],
        ("clang", "v2"): ["-msse4.2"],
        ("clang", "v3"): ["-mavx2", "-mfma", "-DZL_WIDTH=8", "-DZL_FMA=1"],
        (FOREIGN, "plain"): ["-DZL_WIDTH=4", "-DZL_FMA=1", "-static"],
    }
    here = lines_of(bench.programs["cc", "-O3"].result(), "--list")

    def run(compiler, build):
        program = bench.folder / f"vector-{compiler}-{build}"
        command = [compiler, "-O2", *flags(), f"-I{ROOT}/ext/src", str(PROGRAMS / "vector_check.c")]
        subprocess.run([*command, *wanted[compiler, build], "-o", str(program), "-lm"], check=True)
        emulator = ["qemu-aarch64"] if compiler == FOREIGN else []
        return lines_of(*emulator, program, 1000) + lines_of(*emulator, program, 4000 if build == "v2" else 10)

    return {
        key: bench.pool.submit(run, *key)
        for key in wanted
        if not missing(key[0]) and (key[1] in here or (key[0] == FOREIGN and not missing("qemu-aarch64")))
    }


def test_fused_multiply_adds_exponentials_and_logarithms(arithmetic):
    assert arithmetic
    printed = {key: future.result() for key, future in arithmetic.items()}
    for key, lines in printed.items():
        assert lines[1] == lines[-1] == "ok", key
    assert len({lines[0] for lines in printed.values()}) == 1
