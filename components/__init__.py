"""Custom TFX components, each a thin wrapper over a tested plain function."""
