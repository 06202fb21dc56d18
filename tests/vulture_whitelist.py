"""Names that vulture cannot see being used. One line each, with the reason; a line that is not needed any more goes."""

# ruff: noqa: B018, F821
_.origin  # in manifest.json, for people: which source or archive a build came from
read_release_table  # read by whoever ships a table of releases; the command line takes one archive
