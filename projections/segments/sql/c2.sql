-- C2 卡非本人: the bank says that the card is not in the recipient's name.
SELECT
    'C2' AS rule,
    organisation_id,
    campaign_id,
    MIN(happened_on) AS since,
    COUNT(*) AS number,
    CAST(SUM(amount_fen) AS BIGINT) AS amount_fen
FROM sent_back
WHERE reason = 'NAME_MISMATCH'
GROUP BY organisation_id, campaign_id
ORDER BY organisation_id, campaign_id
