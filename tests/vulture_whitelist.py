"""Names that vulture cannot see being used. One line each, with the reason; a line that is not needed any more goes."""
