"""The JSON API below /api/v1: the same gate, permissions and actions as the pages, other words."""
