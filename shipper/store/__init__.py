"""The store: how it is reached, what it must hold before anything is written, and who keeps it in order."""
