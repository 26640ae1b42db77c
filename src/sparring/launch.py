"""What torchrun tells each process that it starts: which one it is of those that train one network.

Knows the environment, and torchrun's launcher when it is asked to start; needs no torch before.
Whoever speaks to people or looks for a device asks here; how processes work together is in `ranks`.
"""

import logging
import os
import sys
from typing import NoReturn

from sparring.errors import WorkFailed


def launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def number_here() -> int:
    """This process's number, from 0, among those on this machine. The first one speaks."""
    return int(os.environ["LOCAL_RANK"]) if launched() else 0


def count_here() -> int:
    """How many processes there are on this machine."""
    return int(os.environ["LOCAL_WORLD_SIZE"]) if launched() else 1


def leave(code: int) -> NoReturn:
    """End this process with an exit code: at once, where torchrun started it.

    An interpreter tears down threads of torch.distributed that are still at it, and aborts at
    times; then torchrun ends the others, or takes a fault that was told for another one.
    """
    if launched():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def start(processes: int) -> None:
    """Have torchrun's launcher start this command so many times here, and end as they end.

    Raises WorkFailed where the process that speaks was killed.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.disable()  # the launcher has a page for each failure; the processes tell in a line
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="sparring",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",  # any free port
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", "sparring", *sys.argv[1:])
    except SignalException as stop:
        sys.exit(128 + stop.sigval)
    except ChildFailedError as error:
        number, failure = error.get_first_failure()
        if failure.exitcode < 0 and number == 0:
            raise WorkFailed(
                f"the first of {processes} processes was killed ({failure.signal_name()}): start "
                "again, to go on"
            ) from None
        sys.exit(max(failure.exitcode, 1))
    sys.exit()
