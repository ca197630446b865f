"""The nouns: contacts, messages, media, templates … Each keeps its own queries."""
