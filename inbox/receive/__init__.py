"""What `inbox.desk` does with what comes in, one file for each step."""
