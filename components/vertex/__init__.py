"""Vertex AI's services: custom jobs, the Model Registry, endpoints."""
