"""A class has one colour, in predict's masks, its legend and in the report."""

import pytest

from components.bulk_predict import mask_files
from components.report import galleries
from trainer_modules.engine.images import colours

GIVEN = ((128, 0, 0), (9, 8, 7))


@pytest.mark.parametrize("given", [(), GIVEN[:1], GIVEN, GIVEN * 20], ids=len)
@pytest.mark.parametrize("count", [2, 11, 33, 200])
def test_predict_and_report_paint_a_class_alike(given, count: int) -> None:
    names = [f"class {i}" for i in range(count)]
    legend = mask_files.legend(names, given)
    shown = galleries.palette({"problem": {"classes": names, "colours": [list(c) for c in given]}})
    assert [tuple(row) for row in shown.tolist()] == list(legend.colours)
    assert legend.colours[: len(given)] == given[:count]


def test_no_two_classes_share_a_colour_and_none_is_black() -> None:
    found = colours.complete(GIVEN, 200)
    assert len(set(found)) == 200 and (0, 0, 0) not in found
    # The PASCAL VOC devkit's first colours, as its documentation shows them.
    assert colours.complete((), 4) == ((128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128))
