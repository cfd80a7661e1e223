"""The janitor: leases, due jobs, dead instances, webhooks and the budget."""
