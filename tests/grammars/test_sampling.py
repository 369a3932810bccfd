"""The sampler: bytes against its plain twin and the golden file, at any chunking; bad arguments; the C core alone.

`python tests/grammars/test_sampling.py` writes the golden file again, after versions.SAMPLER was bumped.
"""

import hashlib
import json
import pickle
import shutil
import subprocess

import numpy as np
import pytest
from houses import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from grammars import ODD, draw_preset, grammar, many_rules, small_grammars
from twins import sampler as twin
from ziplaw import versions
from ziplaw.errors import GrammarError, ZiplawError
from ziplaw.grammars import sampling
from ziplaw.grammars.presets import PRESETS
from ziplaw.grammars.sampling import sample

GOLDEN = ROOT / "tests" / "golden" / "sampler.json"


def golden_documents():
    """Checksum (little-endian ids) and beginning of a few documents of every preset and odd grammar."""
    found = {}
    for name, g in {**{name: draw_preset(name) for name in PRESETS if name != "vocabulary-6"}, **ODD}.items():
        tokens = sample(g, 8, 256, seed=1, stream=2, first_document=3)
        digest = hashlib.sha256(tokens.astype("<u4").tobytes()).hexdigest()
        found[name] = {"sha256": digest, "first": tokens[0, :12].tolist()}
    for name in ("main-1", "main-3"):
        tokens = sample(draw_preset(name), 8, 256, seed=1, mode="paper")
        found[f"{name}, paper mode"] = {
            "sha256": hashlib.sha256(tokens.astype("<u4").tobytes()).hexdigest(),
            "first": tokens[0, :12].tolist(),
        }
    return {"version": versions.SAMPLER, "documents": found}


def test_golden_bytes():
    golden = json.loads(GOLDEN.read_text())
    assert golden["version"] == versions.SAMPLER, "SAMPLER was bumped: write the golden file again"
    found = golden_documents()["documents"]
    assert list(found) == list(golden["documents"])
    changed = [name for name, entry in found.items() if entry != golden["documents"][name]]
    assert not changed, "bytes changed: bump SAMPLER in versions.py and write the golden file again"


# the twin ------------------------------------------------------------------------------------------------------------


def assert_like_twin(g, n_documents, context, **keys):
    want = twin.sample(g, n_documents, context, **keys)
    found = sample(g, n_documents, context, threads=1, **keys)
    assert found.dtype == want.dtype
    np.testing.assert_array_equal(found, want)
    sampler = vars(g)["_sampler"]
    was = sampler.open
    sampler.open = not was
    try:
        np.testing.assert_array_equal(sample(g, n_documents, context, threads=1, **keys), want)
    finally:
        sampler.open = was


@pytest.mark.parametrize("name", PRESETS)
def test_presets_equal_the_twin(name):
    assert_like_twin(draw_preset(name, seed=5), 21, 256, seed=2**64 - 1, stream=1, first_document=10**12)


@pytest.mark.parametrize("name", ODD)
def test_odd_grammars_equal_the_twin(name):
    assert_like_twin(ODD[name], 13, 100, seed=4)


@pytest.mark.parametrize("n", [4096, 4097, 100_000])
def test_many_productions_equal_the_twin(n):
    """Over 4096 leaves a state's table is one of groups."""
    assert_like_twin(many_rules(n), 9, 64)


@settings(max_examples=60, deadline=None)
@given(small_grammars(), st.integers(1, 60), st.integers(1, 20), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_made_up_grammars_equal_the_twin(g, context, n_documents, seed, stream):
    assert_like_twin(g, n_documents, context, seed=seed, stream=stream, first_document=seed % 1000)


# chunking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode"),
    # sentences of endless grammars are too deep for paper mode
    [(name, "exact") for name in ("main-1", "main-3", "main-6", "vocabulary-5", "compressibility-4")]
    + [(name, "paper") for name in ("main-1", "main-3", "main-6")],
)
def test_bytes_do_not_depend_on_threads_or_pieces(name, mode, tmp_path, monkeypatch):
    g = draw_preset(name)
    whole = sample(g, 203, 256, seed=3, threads=1, mode=mode)
    for threads in (2, np.int64(3), 7):
        np.testing.assert_array_equal(sample(g, 203, 256, seed=3, threads=threads, mode=mode), whole)
    np.testing.assert_array_equal(sample(g, 57, 256, seed=3, mode=mode), whole[:57])
    pieces = [
        sample(g, n, 256, seed=3, first_document=at, mode=mode) for at, n in ((0, 1), (1, 2), (3, 150), (153, 50))
    ]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    monkeypatch.setattr(sampling, "CHUNK_TOKENS", 700)
    mapped = np.memmap(tmp_path / "tokens", np.uint16, "w+", shape=(203, 256))
    assert sample(g, 203, 256, seed=3, threads=2, mode=mode, out=mapped) is mapped
    np.testing.assert_array_equal(mapped, whole)


def test_every_key_changes_the_documents():
    g = draw_preset("main-3")
    found = [sample(g, 3, seed=s, stream=t, first_document=d) for s in (0, 1) for t in (0, 1) for d in (0, 3)]
    assert len({row.tobytes() for tokens in found for row in tokens}) == 24


def test_a_longer_context_continues_the_documents():
    for name in ("main-1", "main-5"):
        g = draw_preset(name)
        np.testing.assert_array_equal(sample(g, 30, 1000)[:, :77], sample(g, 30, 77))
        np.testing.assert_array_equal(sample(g, 30, 1000)[:, :1], sample(g, 30, 1))


@pytest.mark.parametrize("context", [1, 2, 3, 23, 24, 25, 257])
def test_nothing_is_written_outside_out(context):
    for g in (ODD["long runs"], ODD["many pending"], draw_preset("main-6")):
        room = np.full((40, context), 60_000, np.uint16)
        for n in (1, 3, 4, 9, 38):
            room[:] = 60_000
            sample(g, n, context, threads=1, out=room[1 : 1 + n])
            assert (room[0] == 60_000).all()
            assert (room[1 + n :] == 60_000).all()
            assert (room[1 : 1 + n] < 60_000).all()


def test_sampling_survives_pickling():
    g = draw_preset("main-2")
    want = sample(g, 5)
    np.testing.assert_array_equal(sample(pickle.loads(pickle.dumps(g)), 5), want)


# paper mode ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["main-1", "main-2", "main-4", "main-6"])
def test_paper_mode_equals_the_twin(name):
    g = draw_preset(name, seed=2)
    lengths = np.empty(31, np.int32)
    tokens = sample(g, 31, 255, seed=6, mode="paper", lengths=lengths, threads=1)
    want, want_lengths = twin.sample_like_paper(g, 31, 255, seed=6)
    np.testing.assert_array_equal(tokens, want)
    np.testing.assert_array_equal(lengths, want_lengths)


def test_paper_mode_skips_deep_sentences_and_shortens_documents():
    # depth k has probability 0.995^(k - 1) / 200: one sentence in 140 is deeper than Python would recurse
    g = grammar(2, (0, (1, -1), 0.995), (0, (2,), 0.005))
    lengths = np.empty(300, np.int32)
    tokens = sample(g, 300, 4000, mode="paper", lengths=lengths)
    runs = [len(s) for row in tokens for s in "".join(map(str, row)).split("10")[:-1]]
    assert 900 < max(runs) < 1000
    exact = sample(g, 300, 4000)
    assert max(len(s) for row in exact for s in "".join(map(str, row)).split("20")[:-1]) > 1000
    want, want_lengths = twin.sample_like_paper(g, 12, 4000)
    np.testing.assert_array_equal(tokens[:12], want)
    np.testing.assert_array_equal(lengths[:12], want_lengths)
    short = lengths == 3999
    assert short.any()
    assert (tokens[short, -1] == 0).all()
    assert set(lengths.tolist()) == {3999, 4000}


@pytest.mark.parametrize(("n", "deep_enough"), [(990, True), (991, False)])
def test_paper_mode_depth_is_exact(n, deep_enough):
    # a chain of n nonterminals, the start symbol being one level more
    g = grammar(1, *((i, (-(i + 2),), 1.0) for i in range(n - 1)), (n - 1, (1,), 1.0), start=(1.0,) + (0.0,) * (n - 1))
    if deep_enough:
        assert not sample(g, 2, 8, mode="paper").any()
    else:
        with pytest.raises(GrammarError, match="never end"):
            sample(g, 1, 8, mode="paper")


def test_paper_mode_ends_where_every_sentence_is_too_deep():
    with pytest.raises(GrammarError, match="never end"):
        sample(ODD["endless"], 1, mode="paper")


def test_exact_mode_sets_lengths_too():
    lengths = np.zeros(3, np.int32)
    sample(ODD["nested"], 3, 50, lengths=lengths)
    assert lengths.tolist() == [50, 50, 50]


# bad arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_documents": 0}, "n_documents is 0, must be an integer from 1 to"),
        ({"n_documents": -1}, "n_documents is -1"),
        ({"n_documents": 2.5}, "n_documents is 2.5"),
        ({"n_documents": 2**44}, "n_documents is"),
        ({"n_documents": 2**35}, "pass a memory-mapped array"),
        ({"context": 0}, "context is 0, must be an integer from 1 to"),
        ({"context": 2**30}, "context is"),
        ({"threads": 0}, "threads"),
        ({"threads": -2}, "threads"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is"),
        ({"seed": "x"}, "seed is 'x'"),
        ({"seed": True}, "seed is True"),
        ({"n_documents": True}, "n_documents is True"),
        ({"stream": 2**32}, "stream is"),
        ({"first_document": -1}, "first_document is -1"),
        ({"mode": "fast"}, "mode is 'fast', must be"),
        ({"out": [[1]]}, "must be a numpy array"),
        ({"out": np.zeros((4, 16), np.uint32)}, "out is uint32"),
        ({"out": np.zeros((4, 16), ">u2")}, "out is >u2"),
        ({"out": np.zeros((5, 16), np.uint16)}, r"shape \(5, 16\)"),
        ({"out": np.zeros((16, 4), np.uint16).T}, "C-contiguous"),
        ({"out": np.zeros((8, 16), np.uint16)[::2]}, "C-contiguous"),
        ({"out": np.frombuffer(bytes(129), np.uint8)[1:].view(np.uint16).reshape(4, 16)}, "writeable, aligned"),
        ({"lengths": np.zeros(4, np.int64)}, "lengths is int64"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ZiplawError, match=message):
        sample(**{"grammar": ODD["nested"], "n_documents": 4, "context": 16, "threads": 1} | arguments)


def test_read_only_out_is_refused_untouched():
    out = np.zeros((4, 16), np.uint16)
    out.flags.writeable = False
    with pytest.raises(ZiplawError, match="writeable"):
        sample(ODD["nested"], 4, 16, out=out)
    assert not out.any()


def test_what_is_no_grammar_is_refused():
    with pytest.raises(GrammarError, match="grammar is a str"):
        sample("grammar.json", 1)


@pytest.mark.parametrize(
    "rules",
    [
        [(0, (-1,), 1.0)],
        [(0, (-1, 1), 1.0)],
        [(0, (-2,), 1.0), (1, (-1,), 1.0)],
        [(0, (-2, 1), 1.0), (1, (-3,), 0.5), (1, (1,), 0.5), (2, (-3, 2), 1.0)],
        [(0, (-1, 1), 1 - 1e-10), (0, (1,), 1e-10)],
    ],
)
@pytest.mark.parametrize("mode", ["exact", "paper"])
def test_derivations_that_may_never_emit_are_refused(rules, mode):
    g = grammar(2, *rules, provenance={"supercritical": "truncate"})
    with pytest.raises(GrammarError, match=r"rho\(LC\) = 1, must be below 1"):
        sample(g, 1, mode=mode)


def test_rho_lc_near_one_ends_either_way():
    assert set(np.unique(sample(grammar(2, (0, (-1, 1), 1 - 1e-6), (0, (2,), 1e-6)), 8, 16))) <= {0, 1, 2}
    # a hundred million rewrites for one token
    with pytest.raises(GrammarError, match=r"rho\(LC\) is too near to 1"):
        sample(grammar(2, (0, (-1, 1), 1 - 1e-8), (0, (2,), 1e-8)), 8, 16)


# the C core alone ----------------------------------------------------------------------------------------------------


def test_c_core_under_sanitizers(tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    sanitizers = ["-g", "-O1", "-ffp-contract=off", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    empty = tmp_path / "empty.c"
    empty.write_text("int main(void) { return 0; }\n")
    probe = [compiler, *sanitizers, str(empty), "-o", str(tmp_path / "empty")]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("the compiler has no sanitizers")
    core = sorted((ROOT / "ext/src/pcfg").glob("*.c"))
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Werror"]
    program = tmp_path / "pcfg_check"
    sources = [ROOT / "tests/csrc/pcfg_check.c", *core]
    command = [
        compiler,
        *strict,
        *sanitizers,
        f"-I{ROOT}/ext/src",
        f"-I{ROOT}/ext/src/pcfg",
        *map(str, sources),
        "-o",
        str(program),
        "-lm",
    ]
    subprocess.run(command, check=True)
    result = subprocess.run([program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout == "ok\n"


def test_the_c_check_can_fail(tmp_path):
    # a copy of the core that leaves each lane's last document unwritten
    source = (ROOT / "ext/src/pcfg/pcfg_loop.h").read_text()
    broken = source.replace("lane->n_left = n;", "lane->n_left = n > 3 ? n - 1 : n;")
    assert broken != source
    for path in [ROOT / "ext/src/status.h", *(ROOT / "ext/src/pcfg").glob("*.[ch]")]:
        shutil.copy(path, tmp_path)
    (tmp_path / "pcfg_loop.h").write_text(broken)
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    sources = [ROOT / "tests/csrc/pcfg_check.c", *tmp_path.glob("pcfg*.c")]
    program = tmp_path / "check"
    subprocess.run([compiler, "-O0", f"-I{tmp_path}", *map(str, sources), "-o", str(program), "-lm"], check=True)
    assert subprocess.run([program], capture_output=True, check=False).returncode == 1


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_documents(), indent=1) + "\n")
