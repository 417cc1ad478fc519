"""Every kind of problem in turn, for the tests of their contract."""

import pytest

from tests.trainer_modules.engine.problems.cases import CASES, Case


@pytest.fixture(params=CASES, ids=lambda case: type(case.problem).__name__)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]
