"""How fast Bandeja is, each figure beside a bare limit taken in the same run on the same machine."""
