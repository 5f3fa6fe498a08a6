class CommandError(Exception):
    """A command could not do its work; the text is for the person who typed it."""
