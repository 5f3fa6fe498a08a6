"""The mail, SMS and push gateways: they accept, keep and show messages."""
