"""Administration: unions, officers, keys, rules, and who saw what."""
