"""Local servers that speak the platforms' APIs, and a phone to play the customer on."""
