"""What concerns the database as such. The nouns above keep their own queries."""
