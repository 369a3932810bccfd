"""The link of each half by what it foretells."""

from planted_study import planted_study

from ziplaw.studies.answers.chosen_link import rows


def test_each_half_has_its_link():
    # invented fits are foretold best by the bounded link; the free one is within nothing of it, and less simple
    found = rows(planted_study((("v", 4),)))
    assert [row["half"] for row in found[::4]] == ["exploratory", "confirmatory", "both"]
    for row in found:
        assert row["chosen"] == (row["link"] == "bounded")
        assert row["datasets"] == (8 if row["half"] == "both" else 4)
