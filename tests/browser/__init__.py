"""What a person does, done in a real Chromium."""
