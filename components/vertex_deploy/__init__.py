"""The pushed model in Vertex AI: registered, and deployed to an endpoint."""
