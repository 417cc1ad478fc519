"""Evaluator: metrics class by class and slice by slice, with TFMA."""
