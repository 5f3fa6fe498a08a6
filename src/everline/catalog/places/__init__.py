"""Places people travel to, countries and regions, under all names they are asked for. Pure, no database."""
