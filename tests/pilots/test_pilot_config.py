"""A pilot's config: one line where it is wrong, and no pilot that is there is changed."""

import pytest
import yaml
from houses import ROOT

from ziplaw.errors import ConfigError
from ziplaw.pilots.pilot_config import EXAMPLE, PilotConfig, check_places, load_pilot, name_of, parse_pilot, settle

PLAIN = {"name": "mine", "paths": ["texts"], "flops": "1e18"}


def pilot(**changes):
    return parse_pilot({"pilot": {**PLAIN, **changes}})


def test_the_example_is_valid():
    assert load_pilot(ROOT / "config" / "pilot.yaml") == EXAMPLE.pilot


def test_every_key_is_described():
    schema = PilotConfig.model_json_schema()
    for name, field in schema["$defs"]["Pilot"]["properties"].items():
        assert field.get("description"), name


def test_numbers_as_people_write_them():
    assert pilot(flops="1e18", pilot_flops="2e13").pilot_flops == 2e13


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flopz": 1}, "unknown key pilot.flopz (did you mean flops?)"),
        ({"flops": "many"}, "pilot.flops"),
        ({"flops": 0}, "pilot.flops must be at least 1"),
        ({"minutes": 0.5}, "pilot.minutes must be at least 1 and at most 1e+06, not 0.5"),
        ({"minutes": 5, "pilot_flops": 1e13}, "give minutes or pilot_flops, not both"),
        ({"pilot_flops": 1e19}, "more than flops"),
        ({"builtin": "code"}, "give exactly one of paths and builtin"),
        ({"paths": []}, "give exactly one of paths and builtin"),
        ({"name": "a/b"}, "cannot name a folder"),
    ],
)
def test_what_is_wrong_is_one_line(changes, words):
    with pytest.raises(ConfigError) as caught:
        pilot(**changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_minutes_are_thirty_unless_flops_are_given():
    assert pilot().minutes_given == 30
    assert pilot(pilot_flops=1e12).minutes_given is None
    assert pilot(minutes=5, cores=4).expected_flops == pytest.approx(4 * pilot(minutes=5, cores=1).expected_flops)


def test_more_documents_are_read_for_a_larger_pilot():
    assert pilot(pilot_flops=1e10).most_documents < pilot(pilot_flops=1e14).most_documents


@pytest.mark.parametrize(
    ("path", "name"), [("a/My texts.tar", "My_texts"), ("data.jsonl.zst", "data"), ("/..-x", "x"), ("/", "pilot")]
)
def test_a_pilot_is_named_after_its_first_path(path, name):
    assert name_of(path) == name


def test_a_folder_keeps_its_whole_name(tmp_path):
    (tmp_path / "python3.11").mkdir()
    assert name_of(tmp_path / "python3.11") == "python3_11"


def test_a_config_is_written_once_and_found_again(tmp_path):
    path = settle(tmp_path, pilot(ext=["py"]))
    written = path.read_bytes()
    assert load_pilot(path) == pilot(ext=["py"])
    assert yaml.safe_load(written)["pilot"]["paths"] == ["texts"]
    assert settle(tmp_path, pilot(ext=["py"])) == path
    assert path.read_bytes() == written
    (tmp_path / "rounds").mkdir()
    (tmp_path / "rounds" / "1.json").touch()
    with pytest.raises(ConfigError, match=r"of another pilot: flops is 1e\+18 there and 1e\+17 here: give another"):
        settle(tmp_path, pilot(ext=["py"], flops=1e17))
    assert path.read_bytes() == written


def test_a_pilot_with_no_round_yet_may_take_other_settings(tmp_path):
    path = settle(tmp_path, pilot(pilot_flops=1e9))
    assert settle(tmp_path, pilot(pilot_flops=1e13)) == path
    assert load_pilot(path).pilot_flops == 1e13


def test_a_corpus_has_one_name_by_every_path(tmp_path):
    path = settle(tmp_path, pilot(paths=["texts"]))
    written = path.read_bytes()
    settle(tmp_path, pilot(paths=["./texts/"]))
    assert path.read_bytes() == written


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"paths": ["."]}, r"^\. would hold the pilot's own files, results/mine, .* outside of it$"),
        ({"tokenizer": "bpe:no.json"}, r"^tokenizer is 'bpe:no.json', and there is no file no\.json: give auto"),
        (
            {"tokenizer": "foo"},
            r"^tokenizer is 'foo', and there is no file foo: give auto, bytes, bundled or bpe:FILE$",
        ),
    ],
)
def test_places_are_checked_before_anything_is_written(tmp_path, monkeypatch, changes, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=words):
        check_places("results/mine", pilot(**changes))
    check_places("results/mine", pilot())
    check_places("results/mine", pilot(tokenizer="bundled"))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / "runs.csv").touch()
    with pytest.raises(ConfigError, match=r"holds runs\.csv and no pilot"):
        settle(tmp_path, pilot())
    assert not (tmp_path / "pilot.yaml").exists()
