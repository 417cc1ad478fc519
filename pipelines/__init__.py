"""Where and how a run executes: on this machine, on Vertex AI, on Kubeflow."""
