"""Retrainings that differ only in the seed: how often does a gate refuse one?

    .venv/bin/python benchmarks/seeds.py [--task digits] [--data PATH] [--runs 20] [--set K=V]…

Each run is a whole run of the pipeline under one root, with another `train.seed`; the first has no
baseline, each later one is compared with the last blessed model. It prints the verdict of each
night, and then what several gates say of all ordered pairs of these models, from the outcomes of
the same examples. Target: the gate with a confidence refuses at most 5 % of them.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
GATE = {"type": "NoWorse", "metric": "accuracy", "tolerance": 0.01, "confidence": 0.95}


def night(options: argparse.Namespace, root: Path, seed: int) -> tuple[dict[str, Any], Path]:
    """Runs the pipeline once; returns its summary and the evaluation's outcomes."""
    settings = [*options.set, f"train.seed={seed}", f"gates={json.dumps([GATE])}"]
    command = [
        sys.executable,
        "pipelines/run_local.py",
        "--task",
        options.task,
        "--root",
        str(root),
    ]
    command += ["--data", options.data] if options.data else []
    command += [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    summary = json.loads((root / options.task / "summary.json").read_text())
    written = sorted(root.rglob("outcomes.parquet"), key=os.path.getmtime)
    return summary, written[-1]


def refused(rights: list[np.ndarray], tolerance: float, confidence: float | None) -> float:
    """Returns the fraction of ordered pairs (new, old) that `NoWorse("accuracy")` refuses."""
    from components.model_gate import fractions
    from components.model_gate.comparing import UNTOLD

    verdicts = []
    for new, old in permutations(rights, 2):
        gained, lost, of = int((new & ~old).sum()), int((~new & old).sum()), len(new)
        if confidence is None:
            verdicts.append(lost - gained > max(tolerance * of, UNTOLD) + 1e-9)
        else:
            p_value = fractions.paired_p_value(gained, lost, of, tolerance)
            verdicts.append(p_value <= 1 - confidence)
    return float(np.mean(verdicts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="digits")
    parser.add_argument("--data", default="")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    from components.evaluator import outcomes

    rights = []
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, {options.task}")
    print("seed  accuracy  last blessed  change [interval]            p      detectable  verdict")
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.runs):
            summary, path = night(options, Path(folder), seed)
            table = outcomes.read(str(path.parent))
            if table is None:
                sys.exit(f"{path} has no outcomes")
            held = table.alone().fraction("accuracy")
            if held is None:
                sys.exit(f"the task must measure accuracy. Received: {options.task}")
            rights.append(held[0])
            (gate,) = summary["gates"]
            accuracy = f"{held[0].mean():.4f}"
            if gate["status"] == "not_compared":
                print(f"{seed:4}  {accuracy:8}  {'–':12}  not compared", flush=True)
                continue
            low, high = gate["interval"]
            change = f"{gate['value'] - gate['baseline']:+.4f} [{low:+.4f}, {high:+.4f}]"
            print(
                f"{seed:4}  {accuracy:8}  {gate['baseline']:<12.4f}  {change:27}  "
                f"{gate['p_value']:.2f}   {gate['detectable']:<10.4f}  {gate['status']}",
                flush=True,
            )
    of, pairs = len(rights[0]), list(permutations(rights, 2))
    apart = np.mean([(new != old).mean() for new, old in pairs])
    changes = np.array([new.mean() - old.mean() for new, old in pairs])
    print(f"n = {of}; one model right and the other wrong on {apart:.1%} of the examples")
    print(f"changes between seeds: deviation {changes.std():.4f}, largest {changes.max():.4f}")
    print(f"deviation that these examples alone explain: {(apart / of) ** 0.5:.4f}")
    for tolerance in (0.0, 0.005, 0.01):
        print(
            f"of {len(pairs)} pairs, refused with a tolerance of {tolerance}: "
            f"{refused(rights, tolerance, None):.1%} by the values, "
            f"{refused(rights, tolerance, 0.95):.1%} at confidence 0.95"
        )


if __name__ == "__main__":
    main()
