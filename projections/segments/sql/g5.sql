-- G5 退票未重发: the bank sent it back, and within the days allowed nobody paid it again.
SELECT
    'G5' AS rule,
    organisation_id,
    campaign_id,
    MIN(status_since) AS since,
    COUNT(*) AS number,
    CAST(SUM(status_fen) AS BIGINT) AS amount_fen
FROM standing
CROSS JOIN asked
WHERE
    status = 'returned'
    AND CAST(status_since AS DATE) + INTERVAL '1' DAY * reissue_days <= CAST(day AS DATE)
GROUP BY organisation_id, campaign_id
ORDER BY organisation_id, campaign_id
