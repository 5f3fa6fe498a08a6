"""Plans, their versions, prices, coverage and benefits; the calendar arithmetic of terms."""
