"""The commands of the console script: each takes its words and returns the exit status."""
