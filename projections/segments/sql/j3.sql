-- J3 成功后退票: the bank had said that it was paid, and sent it back later.
WITH success AS (
    SELECT disbursement_id, MIN(position) AS position
    FROM disbursement_states
    WHERE status = 'settled'
    GROUP BY disbursement_id
)
SELECT
    'J3' AS rule,
    sent_back.organisation_id,
    sent_back.campaign_id,
    MIN(sent_back.happened_on) AS since,
    COUNT(*) AS number,
    CAST(SUM(sent_back.amount_fen) AS BIGINT) AS amount_fen
FROM sent_back
JOIN success ON success.disbursement_id = sent_back.disbursement_id
WHERE success.position < sent_back.position
GROUP BY sent_back.organisation_id, sent_back.campaign_id
ORDER BY sent_back.organisation_id, sent_back.campaign_id
