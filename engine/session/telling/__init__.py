"""What others are told of the state: JSON, logs."""
