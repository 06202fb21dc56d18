"""Every exit status is told in the help, and no two mean the same."""

from engine.cli.terminal import exit_codes


def test_they_are_different_and_told():
    codes = {name: value for name, value in vars(exit_codes).items() if isinstance(value, int)}
    assert len(set(codes.values())) == len(codes) == 8
    assert all(f"  {code}  " in exit_codes.IN_WORDS for code in codes.values())
