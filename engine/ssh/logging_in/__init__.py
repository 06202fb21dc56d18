"""From a name to a login: what ssh's configuration says, the way there, who we are."""
