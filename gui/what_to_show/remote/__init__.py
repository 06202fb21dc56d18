"""What is said of other machines outside their cards: what was found, what they ask, how they are exposed. No Qt."""
