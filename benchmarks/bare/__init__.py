"""The least that does the same job, without Bandeja: what its figures are held against."""
