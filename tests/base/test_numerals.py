"""Numbers as people write them, in options and in tables' cells; what is no number stays none."""

import math

import click
import pytest
from click.testing import CliRunner

from ziplaw.base import limits
from ziplaw.base.numerals import counted, format_seconds, is_plain, read_list, read_number
from ziplaw.cli import command
from ziplaw.cli.options import Number, Numbers
from ziplaw.cli.runs.train import _budgets


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.3B", 1.3e9),
        ("1.1B", 1.1e9),
        ("1,300,000", 1.3e6),
        ("1,300,000.5", 1300000.5),
        ("1 300 000", 1.3e6),
        ("1\u202f300\u202f000", 1.3e6),
        ("1'300'000", 1.3e6),
        ("1_000", 1000),
        ("64k", 64_000),
        ("64Ki", 65_536),
        ("44 M", 44e6),
        ("2 trillion", 2e12),
        ("300 millions", 3e8),
        ("1.3B tokens", 1.3e9),
        ("6e21 FLOPs", 6e21),
        ("6x10^18", 6e18),
        ("10**21", 1e21),
        ("2^16", 65_536),
        (" 4.14 ", 4.14),
        (".5", 0.5),
        ("\u22124", -4),
        ("1e9", 1e9),
        ("-inf", -math.inf),
    ],
)
def test_what_is_a_number(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "1_2", "1,30", "1,3000", "12,34,567", "0,123", "abc", "k", "1.3.4", "0x10", "1,300_000", "١٢", "1e", "e9",
     "9" * 65, "1.3X", "10^9999", "--4", "4 4"],
)  # fmt: skip
def test_what_is_none(text):
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("4,14155", 4.14155), ("1.300.000", 1.3e6), ("1.300,5", 1300.5), ("0.003", 0.003), ("1,5e9", 1.5e9)],
)
def test_decimal_commas(text, value):
    assert read_number(text, ",") == value


def test_names_that_look_like_numbers_are_not_plain():
    assert not any(map(is_plain, ("007", "1_2", "nan", "1,300", "64k", " 7", "", "7 ")))
    assert all(map(is_plain, ("7", "0", "0.5", ".5", "5.", "1e5", "-3", "1.5E-10")))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1e18,1e19", [1e18, 1e19]),
        ("65536,131072", [65536, 131072]),
        ("640,2_560", [640, 2560]),
        ("64k,1.3M", [64e3, 1.3e6]),
        ("1,300,000", [1.3e6]),
        ("65, 536", [65, 536]),
        ("65,536; 131,072", [65536, 131072]),
        ("1,300,000 2,600,000", [1.3e6, 2.6e6]),
        ("640,", [640]),
        ("65,536", [None]),
        ("100,200,400", [None]),
        ("1e18,x", [1e18, None]),
        ("", [None]),
    ],
)
def test_lists(text, values):
    assert read_list(text) == values


def test_budgets_are_whole_numbers_and_their_reading_is_printed(capsys):
    assert _budgets(None, None, "64k,1.3M") == [64_000, 1_300_000]
    assert "64k,1.3M is read as 64000, 1300000" in capsys.readouterr().err
    assert _budgets(None, None, "65536,131072") == [65536, 131072]
    assert capsys.readouterr().err == ""
    for text, words in (
        ("65,536", "put spaces after"),
        ("1.5", "no whole number"),
        ("abc", "paper-code"),
        ("nan", "nan must be from 1 to 1e"),
        ("1e999", "1e999 must be"),
        ("64k,9999999999999999999", "^9999999999999999999 must be"),
        ("64k; -1; 2", "-1 must be"),
        ("", "no list of numbers"),
    ):
        with pytest.raises(click.BadParameter, match=words):
            _budgets(None, None, text)


def test_options_take_what_people_write():
    @click.command()
    @click.option("--flops", type=Numbers(limits.FLOPS))
    @click.option("--serve", type=Number(limits.SERVED_TOKENS))
    def verb(flops, serve):
        click.echo(f"{flops} {serve}")

    found = CliRunner().invoke(verb, ["--flops", "1e18,1e19", "--serve", "1.3B"])
    assert found.stdout == "[1e+18, 1e+19] 1300000000.0\n"
    assert found.stderr == "ziplaw: --serve 1.3B is read as 1300000000\n"
    assert CliRunner().invoke(verb, ["--serve", "seven"]).exit_code == 2


def test_flops_of_fit_are_a_list(tmp_path):
    rows = [(n, d, 1.8 + 480 / n**0.35 + 2100 / d**0.37) for n in (1e7, 3e7, 1e8, 1e9) for d in (1e9, 3e9, 1e10, 1e11)]
    (tmp_path / "t.csv").write_text("N,D,loss\n" + "".join(f"{n},{d},{v}\n" for n, d, v in rows))
    arguments = ["fit", str(tmp_path / "t.csv"), "--flops", "1e18,1e19", "--flops", "2e20", "--at", "7B,140B"]
    found = CliRunner().invoke(command, [*arguments, "--intervals", "delta"], standalone_mode=False)
    assert found.exception is None
    assert "loss at N 7e+09, D 1.4e+11" in found.stdout
    assert "7B,140B is read as 7000000000, 140000000000" in found.stderr


@pytest.mark.parametrize(
    ("value", "said"),
    [(7.2863e6, "7.29M"), (203411984.99, "203M"), (999_999, "1M"), (999_499, "999k"), (1.4e12, "1.4T"), (27.9, "27.9"),
     (2.5e20, "2.5e+20"), (0.0123, "0.0123"), (12, "12"), (216_000, "216k"), (5200, "5.2k"), (1e9, "1B")],
)  # fmt: skip
def test_counts_are_said_as_they_are_read(value, said):
    assert counted(value) == said
    assert read_number(said) == pytest.approx(value, rel=0.005)


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0s"), (59.4, "59s"), (59.6, "1m00s"), (187, "3m07s"), (3599.7, "1h00m"), (7500, "2h05m")]
)
def test_seconds_are_told(seconds, told):
    assert format_seconds(seconds) == told
