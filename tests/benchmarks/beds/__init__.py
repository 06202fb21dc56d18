"""Test beds on one machine: real rpc-servers, made slow by libraries for old processors and far by relays."""
