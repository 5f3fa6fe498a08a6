"""The connectivity supplier and the network behind it."""
