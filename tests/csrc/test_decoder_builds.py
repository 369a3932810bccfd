"""Every build of the decoder's core, by every compiler at hand and on an emulated machine, computes the same bits.

The programs beside this file do the work: ``decoder_check.c`` trains small models and prints hashes, ``vector_check.c``
holds the arithmetic to libm's. Everything is compiled and run from the start, two at a time; a test waits for its part.
"""

import ast
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

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
# floats in a vector, rows of a tile of 16 and of 8 columns: the first are those of v4
WIDTHS = [(16, 8, 8), (4, 4, 4), (8, 4, 6)]
COMPILED = [(compiler, level) for level in ("-O3", "-O1") for compiler in ("cc", "clang", FOREIGN)]


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
        # what waits for a program stands behind it
        self.printed = {key: self.pool.submit(self.print, *key) for key in self.programs}
        self.wide = {sizes: self.pool.submit(self.of_width, *sizes) for sizes in WIDTHS}
        unfused = "-D__builtin_fmaf(a, b, c)=((a) * (b) + (c))"
        self.unfused = self.pool.submit(self.altered, "unfused", {}, unfused)

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
        """What every build prints, by its name: at -O3 on larger shapes too, at -O1 on fewer where that takes long."""
        program = self.programs[compiler, level].result()
        few = ["--lines", 2, 12] if level == "-O1" else []
        if compiler == FOREIGN:
            return {} if missing("qemu-aarch64") else {"plain": lines_of("qemu-aarch64", program, *few, "plain")}
        best, *others = lines_of(program, "--list")
        much = [] if level == "-O1" else ["--long"]
        return {best: lines_of(program, *much, best)} | {build: lines_of(program, *few, build) for build in others}

    def altered(self, name, changes, *more):
        """What cc's v3 prints after changes to its source; None where it does not run."""
        source = self.folder / f"{name}.c"
        text = (CORE / "decoder_v3.c").read_text()
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        source.write_text(text)
        if "v3" not in lines_of(self.programs["cc", "-O1"].result(), "--list"):
            return None
        usual = {path.stem: path for path in (self.folder / "cc-O1").glob("*.o")}
        del usual["decoder_v3"]
        program = self.folder / f"check-{name}"
        self.link(program, "cc", usual | self.objects(name, "cc", "-O1", [source], *more))
        return lines_of(program, "--lines", 0, 15, "v3")

    def of_width(self, width, of_16, of_8):
        changes = {"ZL_WIDTH 8": f"ZL_WIDTH {width}", "OF_16 6": f"OF_16 {of_16}", "OF_8 12": f"OF_8 {of_8}"}
        return self.altered(f"wide{width}", changes)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    if missing("cc"):
        pytest.skip(missing("cc")[0])
    bench = Bench(tmp_path_factory.mktemp("builds"))
    yield bench
    bench.pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def expected():
    """A line for denormals, one for numbers that are not finite, one for each shape; made by `decoder_check --long`."""
    lines = (ROOT / "tests/golden/decoder_check.txt").read_text().splitlines()
    assert len(lines) > 25
    assert len({line.split(": ")[1] for line in lines}) == len(lines)
    return lines


def test_the_best_build_computes_what_other_machines_did(bench, expected):
    """Where this alone differs, raise TRAINER in versions.py with the golden file."""
    assert next(iter(bench.printed["cc", "-O3"].result().values())) == expected


def strange(lines, expected):
    """Lines that are not expected."""
    assert len(lines) >= 3
    return [line for line in lines if line not in expected]


@pytest.mark.parametrize(("compiler", "level"), COMPILED)
def test_every_build_computes_the_same_bits(bench, expected, compiler, level):
    lacking = missing(compiler, *(["qemu-aarch64"] if compiler == FOREIGN else []))
    if lacking:
        pytest.skip(lacking[0])
    printed = bench.printed[compiler, level].result()
    assert printed
    for lines in printed.values():
        assert strange(lines, expected) == []


@pytest.mark.parametrize("sizes", WIDTHS)
def test_no_width_of_vectors_or_tiles_changes_a_bit(bench, expected, sizes):
    """Those of v4 as well, on a processor without AVX-512."""
    lines = bench.wide[sizes].result()
    if lines is None:
        pytest.skip("the processor has no AVX2")
    assert strange(lines, expected) == []


def test_products_that_are_rounded_would_be_seen(bench, expected):
    lines = bench.unfused.result()
    if lines is None:
        pytest.skip("the processor has no AVX2")
    assert strange(lines, expected) == lines


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
    assert strange(lines_of(*emulated, "--lines", 2, 5, *builds), expected) == []


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
