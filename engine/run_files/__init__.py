"""Rim: the run file, through which a second ``crossplyctl`` sees and stops the Crossply that runs for this user.

A file and a lock, not a socket: nothing listens, nothing to authenticate, and a crash leaves a file that the free lock proves
stale. Rejected: a pid alone (it may have been given to a stranger).
"""
