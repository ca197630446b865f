"""The people's floor."""
