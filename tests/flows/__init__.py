"""Whole stories over real HTTP."""
