"""Checks whether the region's quota covers the training accelerator."""

import re
from collections.abc import Mapping
from typing import Any

from pipelines.cloud import accelerators
from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN, Finding
from pipelines.cloud.doctor.google import Google, refused


def quota(google_: Google) -> Finding:
    """Compares the region's quota for training on the accelerator with what one machine has."""
    config = google_.config
    accelerator = accelerators.VERTEX_AI.find(config.accelerator.name)
    wanted = _metric_parts(accelerator, spot=config.accelerator.spot)
    look = f"IAM & Admin > Quotas, 'Custom model training', region {config.google.region}"
    url = (
        f"{google_.at.usage}/v1beta1/projects/{config.google.project}/services/aiplatform.googleapis.com"
        "/consumerQuotaMetrics"
    )
    metrics: list[dict[str, Any]] = []
    page = ""
    while True:
        code, body = google_.get(url, pageSize=500, pageToken=page)
        if code != 200:
            return refused("not shown", code, body, look)
        metrics += body.get("metrics", [])
        page = body.get("nextPageToken", "")
        if not page:
            break
    limits = [
        candidate
        for candidate in metrics
        if _is_of(candidate["metric"], wanted, spot=config.accelerator.spot)
    ]
    if not limits:
        return Finding(UNKNOWN, f"no quota name contains {' '.join(wanted)}", look)
    needed = accelerator.count or accelerator.chips
    (metric, *_) = limits
    granted = _granted(metric, config.google.region or "")
    said = f"{metric['metric'].rpartition('/')[2]} in {config.google.region} is {granted}"
    if 0 <= granted < needed:
        return Finding(
            STOPS,
            f"{said}, but {config.accelerator.name} needs {needed}",
            f"Request more at {look}.",
        )
    return Finding(OK, f"{said if granted >= 0 else said.replace('-1', 'unlimited')}")


def _metric_parts(accelerator: accelerators.Accelerator, *, spot: bool) -> list[str]:
    chip = accelerator.name.partition(":")[0].replace("-", "_")
    if accelerator.device == "tpu":
        chip = "_".join(chip.split("_")[:2])
    return ["custom_model_training", *(["preemptible"] if spot else []), chip]


def _is_of(metric: str, parts: list[str], *, spot: bool) -> bool:
    name = metric.rpartition("/")[2]
    if not spot and "preemptible" in name:
        return False
    # nvidia_a100 is not nvidia_a100_80gb.
    chip = parts[-1]
    exact = re.search(rf"{re.escape(chip)}(?!\w*80gb)" if "80gb" not in chip else chip, name)
    return bool(exact) and all(part in name for part in parts)


def _granted(metric: Mapping[str, Any], region: str) -> int:
    """Returns the limit of a region: its own, or that of all regions; -1 for no limit."""
    buckets = [
        bucket
        for limit in metric.get("consumerQuotaLimits", [])
        for bucket in limit.get("quotaBuckets", [])
    ]
    own = [b for b in buckets if b.get("dimensions", {}).get("region") == region]
    general = [b for b in buckets if not b.get("dimensions")]
    return min((int(b.get("effectiveLimit", 0)) for b in own or general), default=0)
