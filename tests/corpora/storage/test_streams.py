"""Texts in pieces, cut where it does not matter."""

import re

from hypothesis import given
from hypothesis import strategies as st

from ziplaw.corpora.storage import streams
from ziplaw.corpora.storage.streams import cut_up


@given(st.binary(max_size=400), st.integers(8, 64), st.integers(1, 50))
def test_pieces_join_to_the_text(data, limit, chunk):
    parts = [data[i : i + chunk] for i in range(0, len(data), chunk)]
    pieces = list(cut_up(iter(parts), limit))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= limit for piece in pieces)


words = st.lists(
    st.sampled_from([b"word", b" ", b" ", b"\n", b"\t", "ä".encode(), "\u2003".encode(), b"x"]), min_size=30
)


@given(words.map(b"".join).filter(lambda data: len(data) > 24))
def test_cut_stands_before_the_last_lone_space_between_visible_characters(data):
    limit = 20
    spaces = [match.start() for match in re.finditer(rb"(?<=[!-~]) (?=[!-~])", data[: limit + 1])]
    lone = [at for at in spaces if at >= limit // 2]
    cut = streams.safe_cut(data, limit)
    if lone:
        assert cut == lone[-1]
    else:
        assert limit - 4 < cut <= limit
        assert data[cut] & 0xC0 != 0x80
