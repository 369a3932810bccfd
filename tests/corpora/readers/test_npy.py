"""Arrays of token ids as numpy saves them."""

import numpy as np
import pytest
from inputs import IDS

from ziplaw.corpora.readers import open_source
from ziplaw.errors import CorpusError


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2", "int32", "int64", "uint64"])
@pytest.mark.parametrize("shape", [(60,), (6, 10)])
def test_npy(tmp_path, dtype, shape):
    ids = np.arange(60).reshape(shape).astype(dtype)
    np.save(tmp_path / "a.npy", ids)
    tokens = open_source(tmp_path / "a.npy").tokens
    assert tokens.shape == shape
    assert (tokens == ids).all()


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(3), "holds float64 values"),
        (np.zeros(3, bool), "holds bool values"),
        (np.array(["a"]), "holds <U1 values"),
        (np.zeros((1, 1, 1), int), "has 3 dimensions"),
        (np.array(5), "has 0 dimensions"),
        (np.array([1, -2]), "holds id -2"),
        (np.array([1, 1 << 31]), "holds id 2147483648"),
        (np.array([[1, (1 << 32) - 1]], np.uint32), "holds id 4294967295"),
        (np.array([{}], object), "no readable .npy"),
    ],
)
def test_bad_npy(tmp_path, array, says):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(CorpusError, match=says):
        open_source(tmp_path / "a.npy")


@pytest.mark.parametrize("data", [b"", b"x" * 200, b"\x93NUMPY\x01\x00"])
def test_what_is_no_npy(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(CorpusError, match=r"a\.npy is .*numpy\.save"):
        open_source(tmp_path / "a.npy")


@pytest.mark.parametrize("beyond", [b"\0", IDS.tobytes()])
def test_an_array_that_the_file_goes_on_after(tmp_path, beyond):
    with open(tmp_path / "a.npy", "wb") as stream:
        np.save(stream, IDS)
        stream.write(beyond)
    with pytest.raises(CorpusError, match=f"goes on for {len(beyond)} bytes after its array of 6000 ids"):
        open_source(tmp_path / "a.npy")
