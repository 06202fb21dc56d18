"""Test beds on one machine: real rpc-servers, slowed by libraries for old processors and moved away by relays, with a llama-server over them."""
