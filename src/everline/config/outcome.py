NO_TABLES = "The database has no tables yet: run `everline migrate` first."


class CommandError(Exception):
    """A command could not do its work; the text is for the person who typed it."""
