"""The only way the state changes: events in, the next state out, a new plan after every change of an input. Pure."""
