"""From what is known and chosen to offers, plans, command lines. Pure."""
