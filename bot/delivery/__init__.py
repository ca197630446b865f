"""In and out: what platforms told us is written down first, and the outbox is the only door out."""
