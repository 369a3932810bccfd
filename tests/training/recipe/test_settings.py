"""A setting is declared once: what checks it, a sweep's config and the command line are made from that."""

from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from ziplaw.cli.runs.train import command, setting_options
from ziplaw.errors import TrainError
from ziplaw.sweep.config import Training, section_of
from ziplaw.training.recipe.recipe import TrainConfig
from ziplaw.training.recipe.settings import setting, settings_of


@dataclass(frozen=True)
class Longer(TrainConfig):
    """The settings and three more."""

    momentum: float = setting(None, "weight of the past", within=(0.0, 0.5), remedy="0.1 is usual")
    order: str = setting("random", "order of documents", choices=("random", "sorted"))
    hidden_from_both: int = setting(3, "nothing", within=(1, 9), remedy="3", in_config=False, in_train=False)


def test_a_new_setting_is_checked():
    assert Longer([64], momentum=0.5, order="sorted").momentum == 0.5
    for settings, message in (
        ({"momentum": 0.7}, r"momentum is 0\.7, must be a number from 0\.0 to 0\.5: 0\.1 is usual"),
        ({"order": "up"}, "order is 'up', must be one of random, sorted"),
        ({"hidden_from_both": 1.5}, r"hidden_from_both is 1\.5, must be a whole number from 1 to 9: 3"),
        ({"batch_documents": 0}, "batch_documents is 0"),
    ):
        with pytest.raises(TrainError, match=message):
            Longer([64], **settings)


def test_a_new_setting_is_a_key_of_a_config():
    section = section_of(Longer)
    assert list(section.model_fields)[-2:] == ["momentum", "order"]
    assert section.model_fields["momentum"].description == "weight of the past"
    assert section().model_dump()["order"] == "random"
    assert section(momentum=0.5).momentum == 0.5
    for bad in ({"momentum": 0.7}, {"order": "up"}, {"hidden_from_both": 3}):
        with pytest.raises(ValidationError):
            section(**bad)


def test_a_new_setting_is_an_option():
    @click.command()
    @setting_options(Longer)
    def verb(**settings):
        click.echo(settings)

    shown = CliRunner().invoke(verb, ["--help"]).output
    assert "--momentum FLOAT" in shown
    assert "Weight of the past." in shown
    assert "[random|sorted]" in shown
    assert "hidden-from-both" not in shown
    assert "'momentum': 0.25" in CliRunner().invoke(verb, ["--momentum", "0.25"]).output
    assert CliRunner().invoke(verb, ["--order", "up"]).exit_code == 2


def test_all_three_have_the_same_settings():
    declared = settings_of(TrainConfig)
    assert [one.name for one in declared] == list(TrainConfig.__dataclass_fields__)[1:]
    assert set(Training.model_fields) == {one.name for one in declared if one.in_config} | {"ensemble"}
    options = {parameter.name: parameter for parameter in command.params}
    for one in declared:
        if one.in_train and one.name != "seed":
            assert options[one.name].default == one.default
        assert one.help
