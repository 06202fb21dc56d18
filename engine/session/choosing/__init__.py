"""What a person chose: going back and forth, cluster files."""
