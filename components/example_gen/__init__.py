"""ImageExampleGen: images and tables in any of the known layouts become canonical Examples.

`component.py` is the TFX component, `ingest.py` is called by the command lines before they build
the pipeline. A reader (`folders`, `path_table`, `shards`, `mask_folders`, `tables`) knows one
layout; `executor.py` runs it over Beam.
"""
