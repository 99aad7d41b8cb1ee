"""A double-entry ledger inside PostgreSQL, in the manner of pgledger: a function does a transfer.

It locks both accounts in the order of their ids, keeps each account's balance and version, and
writes two entries that say what the balance was before and is after. The SQL is our own.
"""

from typing import Any

from benchmarks.common import seconds

AT_ONCE = 200
"""More in one transaction are slower: each passes over all earlier versions of its account."""

TABLES = """
CREATE SCHEMA double_entry;
SET search_path = double_entry;
CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    balance numeric NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0
);
CREATE TABLE transfers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_account bigint NOT NULL REFERENCES accounts,
    to_account bigint NOT NULL REFERENCES accounts,
    amount numeric NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (from_account <> to_account)
);
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account bigint NOT NULL REFERENCES accounts,
    transfer bigint NOT NULL REFERENCES transfers,
    amount numeric NOT NULL,
    balance_before numeric NOT NULL,
    balance_after numeric NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX ON transfers (from_account);
CREATE INDEX ON transfers (to_account);
CREATE INDEX ON entries (account, version);
CREATE INDEX ON entries (transfer);
CREATE FUNCTION transfer(giver bigint, taker bigint, fen numeric) RETURNS bigint AS $$
DECLARE
    done bigint;
    side record;
    was accounts%ROWTYPE;
BEGIN
    PERFORM 1 FROM accounts WHERE id IN (giver, taker) ORDER BY id FOR UPDATE;
    INSERT INTO transfers (from_account, to_account, amount)
        VALUES (giver, taker, fen) RETURNING id INTO done;
    FOR side IN SELECT * FROM (VALUES (giver, -fen), (taker, fen)) AS sides (account, change) LOOP
        UPDATE accounts SET balance = balance + side.change, version = version + 1
            WHERE id = side.account RETURNING * INTO was;
        INSERT INTO entries (account, transfer, amount, balance_before, balance_after, version)
            VALUES (side.account, done, side.change, was.balance - side.change, was.balance,
                    was.version);
    END LOOP;
    RETURN done;
END $$ LANGUAGE plpgsql;
"""


def rates(connection: Any, alone: int, together: int) -> dict[str, float]:
    """Return transfers a second, one a transaction and in batches; the connection commits each."""
    connection.execute(TABLES)
    giver, taker = (
        connection.execute(
            "INSERT INTO accounts (name) VALUES (%s) RETURNING id", (name,)
        ).fetchone()[0]
        for name in ("fund", "paid")
    )

    def transfer(count: int) -> None:
        for _ in range(count):
            connection.execute("SELECT transfer(%s, %s, %s)", (giver, taker, 100))

    def in_batches() -> None:
        for _ in range(together // AT_ONCE):
            with connection.transaction():
                transfer(AT_ONCE)

    transfer(20)
    return {
        "alone": alone / seconds(lambda: transfer(alone)),
        "together": together / seconds(in_batches),
    }
