"""Long runs in which everything goes wrong at once: `make torture`."""
