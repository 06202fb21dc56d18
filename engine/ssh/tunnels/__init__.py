"""Tunnels to ports of another machine: which process carries them, OpenSSH's or one of ours, its command line, and ours."""
