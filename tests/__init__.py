"""The checks, one folder for each folder of the house; `python -m tests` runs all of them."""
