"""`tfx.components` after start-up: every documented name, each imported when it is used."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A process of its own, since imports are what is looked at.
TEXT = """
import importlib.util, json, sys
from pipelines import startup
startup.prepare()
from tfx.components import Trainer
heavy = [m for m in ("docker", "kubernetes", "tfx.components.bulk_inferrer") if m in sys.modules]
import tfx.components
lazy = {name: getattr(tfx.components, name) for name in tfx.components.__all__}
startup.prepare()
assert sys.modules["tfx.components"] is tfx.components and tfx.components.Trainer is Trainer
from tfx import v1
try:
    tfx.components.Trainor
except AttributeError as error:
    unknown = str(error)
# TFX's own file, run as TFX runs it.
spec = importlib.util.find_spec("tfx.components")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps({
    "heavy": heavy, "unknown": unknown, "listed": dir(tfx.components),
    "same": {name: lazy.get(name) is getattr(module, name) for name in module.__all__},
    "v1": v1.components.Trainer is Trainer, "where": Trainer.__module__,
}))
"""


def test_a_component_is_imported_when_it_is_used_and_is_tfxs_own() -> None:
    command = [sys.executable, "-c", TEXT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["heavy"] == []
    assert seen["unknown"] == "module 'tfx.components' has no attribute 'Trainor'"
    assert len(seen["same"]) >= 16 and all(seen["same"].values())
    assert set(seen["same"]) <= set(seen["listed"])
    assert seen["v1"] and seen["where"] == "tfx.components.trainer.component"
