"""Looking at a machine that is reached over SSH, with nothing installed on it.

Small programs (``*_program.py``, and ``*_program.sh`` for machines without Python) are sent over standard input and tell raw
facts; everything that needs judgement is parsed here, by the code that also reads this machine. Nothing is written there.
"""
