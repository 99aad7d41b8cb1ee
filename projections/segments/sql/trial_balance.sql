-- What stands in each account of the journal, in fen; together they come to zero.
WITH moved AS (
    SELECT to_account AS account, amount_fen FROM journal_lines
    UNION ALL
    SELECT from_account AS account, -amount_fen AS amount_fen FROM journal_lines
)
SELECT account, CAST(SUM(amount_fen) AS BIGINT) AS amount_fen
FROM moved
GROUP BY account
ORDER BY account
