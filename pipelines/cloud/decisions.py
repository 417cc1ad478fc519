"""`approve`, `refuse` and `rollback`: decisions about versions in a platform's serving folder.

They change the folder and its record as `run_local.py` does, without a run; a target that has a
registry or endpoints of its own then follows, see `Target.follow_decision`.
"""

import argparse

from components.pusher import placing, releases, releasing, rolling_back
from components.pusher.releasing import Decided
from pipelines.cloud import targets
from pipelines.cloud.fields import APPROVE, REFUSE, ROLLBACK
from pipelines.cloud.platform_config import CloudConfig
from trainer_modules.engine.errors import BadInputError


def run(config: CloudConfig, args: argparse.Namespace) -> int:
    """Carries a decision out and prints what is served; returns the exit code.

    Raises:
      BadInputError: If it cannot be made.
      ServiceError: If the platform rejects what follows from it; the same command again goes on.
    """
    if not config.storage.serving_root and not config.storage.pipeline_root:
        raise BadInputError(f"{args.command} needs --serving-root, or --pipeline-root.")
    releasing.check_given(by=args.by, reason=args.reason)
    folder = config.serving_folder
    if not placing.exists(folder):
        raise BadInputError(
            f"{args.command}: nothing was pushed or held in {folder}, or it cannot be seen from "
            "here. A folder on a mounted volume is changed where it is mounted, for example in a "
            "pod of the same image."
        )
    decided = _decide(folder, args)
    print(decided.message)
    for note in decided.notes:
        print(note)
    print(f"served  {decided.served or 'nothing'}\nrecord  {releases.path(folder)}")
    if args.command != REFUSE and decided.served:
        followed = targets.find(config.target).follow_decision(
            config, placing.served(folder, decided.served), back=args.command == ROLLBACK
        )
        if followed:
            print(followed)
    return 0


def _decide(folder: str, args: argparse.Namespace) -> Decided:
    if args.command == APPROVE:
        return releasing.approve(
            folder, args.version, by=args.by, reason=args.reason, as_newest=args.as_newest
        )
    if args.command == REFUSE:
        return releasing.refuse(folder, args.version, by=args.by, reason=args.reason)
    return rolling_back.rollback(folder, args.version or "", by=args.by, reason=args.reason)
