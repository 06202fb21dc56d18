"""Runs on the remote machine (Python 3.6 or newer, standard library only): which ports a server of ours could listen on.

Arguments: nonce, address, how many are wanted, port ranges (``50052-50300``) to be tried in this order. Prints the free
ones as one JSON document. A port is free when it can be bound and listened on, with SO_REUSEADDR, as rpc-server does it.
"""

import json
import socket
import sys


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(1)
        except (OSError, OverflowError):
            return False
    return True


def free_ports(host: str, count: int, ranges: "list[str]") -> "list[int]":
    """The first free ones."""
    found = []  # type: list[int]
    for text in ranges:
        first, _, last = text.partition("-")
        for port in range(int(first), int(last) + 1):
            if len(found) < count and is_free(host, port):
                found.append(port)
    return found


def main(nonce: str, host: str, count: str, *ranges: str) -> None:
    """Print the answer."""
    answer = json.dumps({"format": 1, "free": free_ports(host, int(count), list(ranges))})
    sys.stdout.write("\n{0}\n{1}\n{0}\n".format(nonce, answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
