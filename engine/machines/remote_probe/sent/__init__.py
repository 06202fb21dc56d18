"""What a remote machine sent, checked and understood. Pure."""
