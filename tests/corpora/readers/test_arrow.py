"""Arrow files that are damaged; whole ones are in test_pyarrow_columns."""

import pyarrow as pa
import pytest
from inputs import DOCUMENTS, arrow, texts

from ziplaw.errors import CorpusError


def test_arrow_that_is_damaged(tmp_path):
    arrow(tmp_path / "a.arrow", pa.table({"text": DOCUMENTS}))
    whole = (tmp_path / "a.arrow").read_bytes()
    for data in (whole[:-6], whole[:100], b"ARROW1", b"", b"nonsense" * 9):
        (tmp_path / "a.arrow").write_bytes(data)
        with pytest.raises(CorpusError, match=r"a\.arrow is no (readable|whole) arrow file"):
            texts(tmp_path / "a.arrow")
