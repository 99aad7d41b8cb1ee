"""Who is asking: accounts, passwords, passkeys, sessions, tokens; none of it is in the log."""
