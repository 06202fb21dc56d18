"""Test beds on one machine: real rpc-servers, slowed by quotas and moved away by relays, with a llama-server over them."""
