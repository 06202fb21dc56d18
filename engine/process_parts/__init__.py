"""What every starter of programs needs, here or on another machine: lines of output, and the ladder that stops. No I/O."""
