"""Options declared once: as fields of a configuration."""

from dataclasses import dataclass

import pytest

from pipelines.cloud import fields, targets
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize("name", targets.MODULES)
def test_options_are_declared_alike_wherever_they_are(name: str) -> None:
    """One flag for one key, the same type on every target: the command line is one for all."""
    own = fields.options(targets.find(name).configuration)
    assert len({leaf.flag for leaf in own.values() if leaf.flag}) == len(
        [leaf for leaf in own.values() if leaf.flag]
    )
    for other in targets.every():
        for key, leaf in fields.options(other.configuration).items():
            if key in own:
                assert (leaf.flag, leaf.kind) == (own[key].flag, own[key].kind), key


@dataclass(frozen=True, kw_only=True)
class _Place:
    host: str | None = fields.option(None, "where", needed=fields.SUBMIT)
    labels: dict[str, str] = fields.option({}, "for billing", flag="--label", metavar="K=V")
    size: int = fields.option(3, "how much", key="place_size", commands=(fields.COMPILE,))

    def __post_init__(self) -> None:
        if self.size < 0:
            raise BadInputError("--place-size must be 0 or more.")


@dataclass(frozen=True, kw_only=True)
class _Beam:
    on: tuple[str, ...] = fields.option((), "runners", key="beam_on", needed=fields.COMPILE)
    secret: str = fields.option("", "in a file only", flag="")


@dataclass(frozen=True, kw_only=True)
class _Config:
    place: _Place = fields.part(_Place, "where")
    beam: _Beam = fields.part(_Beam, "Beam")


def test_a_leaf_is_declared_in_one_place() -> None:
    leaves = fields.options(_Config)
    assert list(leaves) == ["host", "labels", "place_size", "beam_on", "secret"]
    flags = [leaf.flag for leaf in leaves.values()]
    assert flags == ["--host", "--label", "--place-size", "--beam-on", ""]
    assert [leaf.part for leaf in leaves.values()] == [*["where"] * 3, *["Beam"] * 2]
    assert leaves["host"].kinds == (str, type(None))
    assert (leaves["labels"].kinds, leaves["beam_on"].kinds) == ((dict,), (tuple,))
    assert leaves["place_size"].commands == ("compile",)
    assert leaves["host"].commands == fields.COMPILING


def test_values_are_put_at_their_leaves_and_the_rest_keeps_its_default() -> None:
    config = fields.assemble(_Config, {"place_size": 5, "beam_on": ("a=b",), "elsewhere": 1})
    assert config == _Config(place=_Place(size=5), beam=_Beam(on=("a=b",)))
    assert fields.assemble(_Config, {}) == _Config()
    with pytest.raises(BadInputError, match="--place-size must be"):
        fields.assemble(_Config, {"place_size": -1})


def test_a_table_is_not_shared_between_configurations() -> None:
    _Config().place.labels["team"] = "vision"
    assert _Config().place.labels == {}


def test_what_is_empty_is_missing_where_a_step_needs_it() -> None:
    def keys(config: _Config, *steps: str) -> list[str]:
        return [leaf.key for leaf in fields.missing(config, steps)]

    assert keys(_Config(), fields.SUBMIT) == ["host"]
    assert keys(_Config(), fields.COMPILE, fields.SUBMIT) == ["host", "beam_on"]
    assert keys(_Config(place=_Place(host="")), fields.SUBMIT) == ["host"]
    assert keys(_Config(place=_Place(host="h")), fields.SUBMIT) == []
