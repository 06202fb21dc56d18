"""Names that vulture cannot see being used. One line each, with the reason; a line that is not needed any more goes."""

# ruff: noqa: B018, F821
_.origin  # in manifest.json, for people: which source or archive a build came from
read_release_table  # read by whoever ships a table of releases; the command line takes one archive
_.limit_flags  # a field of a Windows structure
_.user  # of the cluster file: for machines that are really reached, which a later version does
_.CARDS  # a choice of the view menu, which lists them all
_.cpu_temperature_celsius  # sampled with the rest of a load; nothing shows it yet
_.network_sent_bytes_per_second  # the same
_.gpu_free_bytes  # sampled with the rest of a load; the window will show it when it has a GPU to show
_.tied_embeddings  # a fact of the header that tests hold the byte counts to
_.llama_fit_params  # found with the other programs; the tests check the planner's buffers with it
_.tickStrings  # called by pyqtgraph
_.eventFilter  # called by Qt
_.send_400_response  # of a protocol of uvicorn's, which calls it
_.disconnected  # of a request of uvicorn's, which reads it
_.should_exit  # of a server of uvicorn's, which reads it
_.auth_timeout  # of a transport of paramiko's, which reads it
_.banner_timeout  # the same
_.handshake_timeout  # the same
# Colours that the stylesheet names by role:
_.border
_.hairline
_.accent_hover
_.good
_.bad
_.bad_soft
_.raised
_.track
_.hatch
_.link_bytes_per_second  # of a run record: read by people and by other labs, from the JSON
_.ENGLISH  # a choice of the settings dialog, which lists every member
_.GERMAN  # the same
_.paint  # of a graphics item: Qt calls it
