"""What a Beam worker process imports first (`--beam_plugins=pipelines.beam_worker`).

Such a process, one of several on this machine or one of Dataflow's, starts by unpickling: it may
come to TFDV or TFMA before TFX, which supplies names that they lack in this stack.
"""

from pipelines import startup

startup.prepare()
