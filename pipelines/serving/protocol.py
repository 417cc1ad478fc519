"""TensorFlow Serving's JSON: requests to inputs, outputs to responses.

https://www.tensorflow.org/tfx/serving/api_rest describes both forms: `instances`/`predictions` by
row and `inputs`/`outputs` by column. Bytes travel as `{"b64": …}`.
"""

import base64
import binascii
import io
from typing import Any

import numpy as np
import orjson
from PIL import Image

from components.bulk_predict.model import IMAGE_INPUT
from trainer_modules.engine.images import formats


class RequestError(ValueError):
    """The request is wrong: `status` is the HTTP status, the message says what."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def parse(body: bytes) -> dict[str, Any]:
    """Returns the JSON object of a request.

    Raises:
      RequestError: If it is not a JSON object, or does not have exactly one of `instances` and
        `inputs`.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as e:
        raise RequestError(f"the body must be JSON: {e}") from e
    if not isinstance(document, dict) or ("instances" in document) == ("inputs" in document):
        raise RequestError(
            'the body must be a JSON object with either "instances" or "inputs", for example '
            '{"instances": [{"image_bytes": {"b64": "…"}}]}'
        )
    return document


def inputs(request: dict[str, Any], dtypes: dict[str, Any], max_pixels: int) -> dict[str, Any]:
    """Returns input name → list of bytes, strings or numbers, all of one length.

    Args:
      request: What `parse` returned.
      dtypes: The signature's inputs: name → TensorFlow dtype.
      max_pixels: Images with more pixels are rejected before they are decoded.

    Raises:
      RequestError: If a name, a form or a value is wrong.
    """
    columns = (
        _by_row(request["instances"], list(dtypes))
        if "instances" in request
        else _by_column(request["inputs"], list(dtypes))
    )
    return {
        name: [_value(v, dtypes[name], f"'{name}' of instance {i}", max_pixels) for i, v in rows]
        for name, rows in ((name, list(enumerate(values))) for name, values in columns.items())
    }


def _by_row(instances: Any, names: list[str]) -> dict[str, list[Any]]:
    if not isinstance(instances, list) or not instances:
        raise RequestError('"instances" must be a list with at least one instance')
    rows = []
    for i, instance in enumerate(instances):
        named = isinstance(instance, dict) and "b64" not in instance
        if not named and len(names) == 1:
            instance = {names[0]: instance}
        if not isinstance(instance, dict) or set(instance) != set(names):
            got = sorted(instance) if isinstance(instance, dict) else type(instance).__name__
            raise RequestError(f"instance {i} must have exactly {names}. Received: {got}")
        rows.append(instance)
    return {name: [row[name] for row in rows] for name in names}


def _by_column(columns: Any, names: list[str]) -> dict[str, list[Any]]:
    if not isinstance(columns, dict) and len(names) == 1:
        columns = {names[0]: columns}
    if not isinstance(columns, dict) or set(columns) != set(names):
        got = sorted(columns) if isinstance(columns, dict) else type(columns).__name__
        raise RequestError(f'"inputs" must have exactly {names}. Received: {got}')
    lengths = {len(v) if isinstance(v, list) else -1 for v in columns.values()}
    if len(lengths) != 1 or min(lengths) < 1:
        raise RequestError('each of "inputs" must be a list, all of the same length, at least 1')
    return columns


def _value(value: Any, dtype: Any, where: str, max_pixels: int) -> Any:
    if dtype.name != "string":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RequestError(f"{where} must be a number. Received: {type(value).__name__}")
        return value
    if isinstance(value, str):
        return value.encode()
    if not (isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)):
        raise RequestError(f'{where} must be {{"b64": "…"}} or a string')
    try:
        contents = base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as e:
        raise RequestError(f"{where} is not base64: {e}") from e
    _check_size(contents, where, max_pixels)
    return contents


def _check_size(contents: bytes, where: str, max_pixels: int) -> None:
    """Rejects an image whose header declares more pixels than the limit."""
    try:
        with Image.open(io.BytesIO(contents)) as image:
            width, height = image.size
    except Image.DecompressionBombError as e:
        raise RequestError(f"{where}: {e}") from e
    except (OSError, ValueError, SyntaxError):
        # Pillow cannot read it; the model decodes it, or rejects it with a reason.
        return
    if width * height > max_pixels:
        raise RequestError(
            f"{where} is {width} × {height} pixels; at most {max_pixels:,} are accepted", 413
        )


def needs_conversion(given: dict[str, list[Any]]) -> bool:
    """Says whether the inputs contain images that the model cannot decode by itself."""
    return any(map(formats.needs_conversion, given.get(IMAGE_INPUT, ())))


def converted(given: dict[str, list[Any]], max_pixels: int) -> dict[str, list[Any]]:
    """Returns the inputs, such images as PNG.

    Raises:
      RequestError: If one is damaged or too large.
    """
    images = []
    for i, contents in enumerate(given[IMAGE_INPUT]):
        try:
            conversion = formats.convert(contents, max_pixels=max_pixels)
        except formats.UnreadableError as e:
            status = 413 if isinstance(e, formats.TooLargeError) else 400
            raise RequestError(f"'{IMAGE_INPUT}' of instance {i} {e}", status) from e
        images.append(conversion.png if conversion else contents)
    return {**given, IMAGE_INPUT: images}


def answer(outputs: dict[str, np.ndarray], *, by_row: bool) -> bytes:
    """Returns the JSON of a response; a single output is not named in it."""
    columns = {name: _plain(name, values) for name, values in outputs.items()}
    names = list(columns)
    document: dict[str, Any]
    if not by_row:
        document = {"outputs": columns[names[0]] if len(names) == 1 else columns}
    elif len(names) == 1:
        document = {"predictions": columns[names[0]]}
    else:
        rows = zip(*columns.values(), strict=True)
        document = {"predictions": [dict(zip(names, row, strict=True)) for row in rows]}
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def _plain(name: str, values: np.ndarray) -> list[Any]:
    if values.dtype.kind not in "OS":
        # As NumPy's own numbers, so that a float32 is written with its own digits.
        return list(np.ascontiguousarray(values))
    if name.endswith(("_bytes", "_png")):
        return [{"b64": base64.b64encode(v).decode("ascii")} for v in values]
    return [v.decode("utf-8", "replace") for v in values]
