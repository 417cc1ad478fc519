"""Which split an example falls into."""

import pytest

from components.example_gen.readers.splits import by_hash
from trainer_modules.engine.task.sources import HashSplit


def test_a_group_shares_a_split_and_others_go_by_content() -> None:
    fractions = HashSplit(eval=0.5, group=r"scene\d+")
    digests = [bytes([i]) * 32 for i in range(0, 256, 4)]
    for scene in range(8):
        assert len({by_hash(f"a/scene{scene}/{d[0]}.png", d, fractions) for d in digests}) == 1
    assert len({by_hash(f"scene{scene}", digests[0], fractions) for scene in range(20)}) == 2
    for d in digests:
        assert by_hash("other.png", d, fractions) == by_hash("x", d, HashSplit(eval=0.5))


def test_a_group_must_be_a_regular_expression() -> None:
    with pytest.raises(ValueError, match=r"group must be a regular expression.*Received: '\('"):
        HashSplit(group="(")
