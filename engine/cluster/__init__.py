"""What should run and what was seen, pure: specs of workers and coordinator, phases, reconcile(wanted, seen) -> actions."""
