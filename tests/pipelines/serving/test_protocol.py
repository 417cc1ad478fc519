import numpy as np


def test_numbers_are_written_with_the_digits_of_their_type() -> None:
    from pipelines.serving import protocol as serve_json

    outputs = {"value": np.array([0.1, 2.5], np.float32)}
    assert serve_json.answer(outputs, by_row=True) == b'{"predictions":[0.1,2.5]}'
    masks = {"mask_png": np.array([b"\x89P"], object)}
    assert serve_json.answer(masks, by_row=False) == b'{"outputs":[{"b64":"iVA="}]}'
