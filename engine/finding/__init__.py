"""Rim: finds machines before anybody logs in: ssh's files, mDNS, the neighbour table, a sweep of the local networks.
``zeroconf`` is imported here and nowhere else.
"""
