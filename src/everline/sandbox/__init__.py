"""The outside world in miniature: payment provider, supplier and network, mail, SMS and push gateways.

A product of its own with its own process, port and database. It knows `everline.core` only and talks to
the shop over HTTP and signed webhooks.
"""
