"""The report of a run: one self-contained HTML file, a grid of samples, a model card."""
