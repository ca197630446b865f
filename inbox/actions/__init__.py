"""Every write a person can do. Each is access → change → activity → nudge, and names who did it."""
