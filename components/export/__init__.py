"""The pushed network in other formats."""
