"""Requests to the tiny model of `conftest.py`."""

import base64
import concurrent.futures
import io
from collections.abc import Callable
from typing import Any

from PIL import Image as Pillow

from pipelines.serving.http import Limits

LIMITS = Limits(max_body=200_000, max_concurrent=64, max_batch=8, max_pixels=10_000)
PREDICT = "/v1/models/tiny:predict"


def png(value: int, size: tuple[int, int] = (4, 5)) -> bytes:
    file = io.BytesIO()
    Pillow.new("RGB", size, (value, value, value)).save(file, "PNG")
    return file.getvalue()


def instances(*images: bytes) -> dict[str, Any]:
    return {"instances": [{"image_bytes": {"b64": base64.b64encode(i).decode()}} for i in images]}


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [f.result() for f in [pool.submit(call) for call in calls]]
