"""Why an installation cannot start as it is; the text is for a person and says what to change."""


class StartError(Exception):
    """Everline cannot start like this."""


class DataFolderError(StartError):
    """The data folder cannot be used."""


class FolderInUseError(DataFolderError):
    """Another living process holds the folder's lock."""


class EmbeddedServerError(StartError):
    """The embedded PostgreSQL cannot be used."""


class DatabaseError(StartError):
    """The configured database cannot be used."""


class PortError(StartError):
    """A port cannot be listened on."""


class ProgramError(StartError):
    """A supervised program does not come up."""
