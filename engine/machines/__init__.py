"""Rim: looks at machines (CPU, RAM, GPUs of every vendor) and asks what is on a port. ``psutil`` and ``pynvml`` are imported
here and nowhere else, in one file each.
"""
