"""The broadcast: one message, many people, at a decent pace."""
