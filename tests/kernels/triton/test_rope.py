"""What the compiler makes of the rotation kernel: whole vectors to and from memory, no pairs taken apart there."""

import os

import pytest

pytest.importorskip("triton")
# a process that interprets kernels cannot build them
pytestmark = pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="kernels are interpreted here")


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("width", [64, 48])
def test_rows_are_read_and_written_sixteen_bytes_at_a_time(tmp_path, monkeypatch, width, back):
    from kernel_builds import accesses, compiled

    from ziplaw.kernels.triton import rope

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    rows, block = rope.tile(width)
    built = compiled(
        rope.rotate_kernel,
        [*["*bf16"] * 4, "*fp32", *["i32"] * 7],
        {"BACK": back, "ROWS": rows, "BLOCK": block},
        aligned=("width", "document_stride", "token_stride", "head_stride"),
    )
    found = accesses(built)
    # a thread of 128 has 16 numbers of each of three tensors, and of two tables in fp32
    assert {size for _, size in found} == {16}
    assert found["st", 16] == 3 * 2
    assert found["ld", 16] == 3 * 2 + 2 * 4
