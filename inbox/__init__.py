"""The people: who answers, what they may see, and the screens they work on."""
