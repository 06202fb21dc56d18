"""What a person keeps in files, in the window: cluster files, models, dropping, leaving."""
