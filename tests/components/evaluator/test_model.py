"""Signatures are called by keyword, whatever their input is called."""

from types import SimpleNamespace
from typing import Any

import pytest


def test_the_input_goes_in_by_keyword(tfx_ready: None) -> None:
    from components.evaluator.model import ByKeyword

    calls: list[dict[str, Any]] = []

    class Signature(SimpleNamespace):
        def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            assert not args
            calls.append(kwargs)
            return {"score": 1.0}

    signature = Signature(structured_input_signature=((), {"inputs_1": None}))
    assert ByKeyword(signature)("batch") == {"score": 1.0}
    assert calls == [{"inputs_1": "batch"}]


def test_a_signature_with_two_inputs_is_refused(tfx_ready: None) -> None:
    from components.evaluator.model import ByKeyword

    with pytest.raises(ValueError, match="too many values"):
        ByKeyword(SimpleNamespace(structured_input_signature=((), {"a": None, "b": None})))
