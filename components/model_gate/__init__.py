"""ModelGate: the task's gates, judged on Evaluator's report."""
