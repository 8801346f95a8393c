"""Something to look at: a small shop's support bot, logged through the same road as anybody's calls."""
