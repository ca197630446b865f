"""`bot/` is the machine, `inbox/` is the people, `campaigns/` is the broadcast. Imports only go down."""
