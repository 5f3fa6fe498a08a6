"""The payment provider: its API, its hosted pages, and what its test cards mean."""
