"""Rim: the one address that clients talk to, in front of a llama-server that comes and goes. The only wing with asyncio."""
