"""What the commands share: options, output, exit statuses, a session in the foreground."""
