"""The control API: what tests and developers use to steer this world."""
