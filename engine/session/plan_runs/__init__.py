"""Plans run for real, one after the other, by the session's own commands: for the window and for the terminal."""
