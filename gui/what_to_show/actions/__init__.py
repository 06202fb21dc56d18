"""What can be done, as data: the table of actions, the palette over it, the shortcut sheet. Knows no Qt."""
