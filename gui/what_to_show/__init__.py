"""No Qt in here: ``ClusterState`` -> what to show (strings, fractions, role names). Plain functions, plain asserts in tests."""
