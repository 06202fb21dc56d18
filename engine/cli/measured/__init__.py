"""Commands about what plans are worth: compared, measured, recorded, reproduced."""
