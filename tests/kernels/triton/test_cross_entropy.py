"""What the compiler makes of the cross-entropy kernel: whole vectors to and from memory, whatever the vocabulary."""

import os

import pytest

pytest.importorskip("triton")
# a process that interprets kernels cannot build them
pytestmark = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="kernels are interpreted here")


# logits in bf16, of a padded width; 128 or 256 threads
@pytest.mark.parametrize(("padded", "vectors"), [(2048, 8), (320, 8), (32064, 2 * 2)])
@pytest.mark.parametrize("several", [False, True])
def test_logits_are_read_and_written_sixteen_bytes_at_a_time(tmp_path, monkeypatch, padded, vectors, several):
    from kernel_builds import accesses, compiled

    from ziplaw.kernels.triton import cross_entropy

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    one, rows, block = cross_entropy.tile(padded)
    built = compiled(
        cross_entropy.rows_kernel,
        ["*bf16", "*bf16", "*i64", "*fp32", "*i32", "fp32", "i32", "i32", "i32", "i32"],
        {"SEVERAL": several, "ONE": one, "ROWS": rows, "BLOCK": block},
        aligned=("padded",),
    )
    found = accesses(built)
    assert found["ld", 16] == vectors
    # two bytes at a time is what a mask by the vocabulary would cost
    assert found["ld", 2] == found["st", 2] == 0
