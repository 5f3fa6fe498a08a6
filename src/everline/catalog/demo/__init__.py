"""The demo catalogue: data files and the reader that checks them.

`operators.toml` real networks by country, `zones.toml` named sets of countries, `rules.toml` shared wordings
and tax rates, `plans/*.toml` the plans. 1 GB is 10^9 bytes.
"""
