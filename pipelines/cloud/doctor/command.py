"""`run_kubeflow.py doctor`: checks from the user's machine what would stop a first run.

Every check prints one line: `ok`, `will stop` (with the remedy), or `cannot tell` (with a command
  that can). Nothing is created or changed, and no check waits longer than its time-outs.
"""

import subprocess
from concurrent import futures

import requests
import urllib3.exceptions

from components.service_calls import ServiceError
from pipelines.cloud import targets
from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN, Check, Finding
from pipelines.cloud.platform_config import CloudConfig
from trainer_modules.engine.errors import BadInputError


def run(config: CloudConfig) -> int:
    """Prints a line for each check; returns 2 if something will stop a first run, else 0."""
    checks = [
        Check("configuration", lambda: _configuration(config)),
        *targets.find(config.target).checks(config),
    ]
    with futures.ThreadPoolExecutor(8) as threads:
        running = [threads.submit(_look, check) for check in checks]
        width = max(len(check.name) for check in checks)
        findings = []
        for check, future in zip(checks, running, strict=True):
            finding = future.result()
            findings.append(finding)
            _print(check.name.ljust(width), finding)
    stopping = sum(outcome.state == STOPS for outcome in findings)
    unknown = sum(outcome.state == UNKNOWN for outcome in findings)
    print(
        f"{len(findings)} checks: {stopping} will stop a first run, {unknown} cannot be decided "
        "from here"
    )
    return 2 if stopping else 0


def _look(check: Check) -> Finding:
    try:
        return check.look()
    except BadInputError as error:
        return Finding(STOPS, str(error))
    except (requests.RequestException, urllib3.exceptions.HTTPError, ServiceError) as error:
        why = " ".join(str(error).split())
        return Finding(
            UNKNOWN,
            f"{type(error).__name__}: {why[:300]}",
            "Check the network connection of this machine.",
        )
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        return Finding(UNKNOWN, f"{type(error).__name__}: {str(error)[:300]}")


def _print(name: str, finding: Finding) -> None:
    print(f"{finding.state:<11}  {name}  {finding.said}", flush=True)
    if finding.mend:
        print(f"{'':<13}{'':<{len(name)}}  -> {finding.mend}", flush=True)


def _configuration(config: CloudConfig) -> Finding:
    """Compiles the job, as `submit` would."""
    config.check_submit()
    config.check_reachable()
    from pipelines.cloud import compiler

    compiled = compiler.compile_job(config)
    steps = len(compiled.job["pipelineSpec"]["deploymentSpec"]["executors"])
    return Finding(OK, f"{compiled.name} compiles for {config.target}: {steps} steps")
