"""Rim: SSH. Resolving names, host keys, logins, commands, files, programs on a leash, tunnels. ``paramiko`` is imported in two
files of this wing and nowhere else (see ``connection`` for what was rejected).
"""
