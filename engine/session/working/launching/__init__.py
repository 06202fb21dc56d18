"""Before and while a run is started: ports, programs, room on disks, the API's address."""
