-- What each fund account holds, has on its way, has paid and has on its way to another ledger,
-- by vintage, in fen.
-- What the bank sent back is on its way until it is back in its lots.
WITH moved AS (
    SELECT organisation_id, fund_id, vintage, to_account AS account, amount_fen
    FROM journal_lines
    UNION ALL
    SELECT organisation_id, fund_id, vintage, from_account AS account, -amount_fen AS amount_fen
    FROM journal_lines
)
SELECT
    moved.organisation_id,
    moved.fund_id,
    funds.earmark,
    moved.vintage,
    CAST(SUM(CASE WHEN account = 'fund' THEN amount_fen ELSE 0 END) AS BIGINT) AS in_hand_fen,
    CAST(SUM(CASE WHEN account IN ('transit', 'returned') THEN amount_fen ELSE 0 END) AS BIGINT)
        AS in_transit_fen,
    CAST(SUM(CASE WHEN account = 'recipient' THEN amount_fen ELSE 0 END) AS BIGINT) AS paid_fen,
    CAST(SUM(CASE WHEN account = 'remitted' THEN amount_fen ELSE 0 END) AS BIGINT) AS remitted_fen
FROM moved
JOIN funds ON funds.fund_id = moved.fund_id
GROUP BY moved.organisation_id, moved.fund_id, funds.earmark, moved.vintage
ORDER BY moved.organisation_id, moved.fund_id, moved.vintage
