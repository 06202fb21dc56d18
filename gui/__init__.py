"""The window. gui -> engine, never back. Pulls the newest ``ClusterState`` ten times a second; never waits, never does I/O."""
