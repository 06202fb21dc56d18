"""What is around the panels: actions and menus, closing, notices, the status line, what is remembered."""
