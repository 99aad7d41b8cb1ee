"""Version 1 of the HTTP interface: one router per noun."""
