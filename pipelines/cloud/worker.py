"""The first import of a Beam worker process (`--beam_plugins=pipelines.cloud.worker`).

Such a process, on this machine or on Dataflow, starts by unpickling: it may import TFDV or TFMA
before TFX, which supplies names that they lack in this stack.
"""

from pipelines import startup

startup.prepare()
