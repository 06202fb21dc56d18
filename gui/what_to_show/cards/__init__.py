"""What the cards of machines say. No Qt."""
