"""What is shown of editing a plan by hand: boundaries, what a cell says, undo and redo."""
