-- Payments to a person who was paid again within the days allowed, by another union or out of other
-- money; rule E2 asks it as a view. What was sent back does not count. `others` are those near it.
SELECT
    one.person_id,
    one.disbursement_id,
    one.organisation_id,
    one.campaign_id,
    one.happened_on,
    one.amount_fen,
    one.position,
    COUNT(*) AS others
FROM standing AS one
JOIN standing AS other ON other.person_id = one.person_id
CROSS JOIN asked
WHERE
    one.status NOT IN ('returned', 'withdrawn')
    AND other.status NOT IN ('returned', 'withdrawn')
    AND other.position <> one.position
    AND (other.organisation_id <> one.organisation_id OR other.origins <> one.origins)
    AND CAST(other.happened_on AS DATE)
        <= CAST(one.happened_on AS DATE) + INTERVAL '1' DAY * again_days
    AND CAST(one.happened_on AS DATE)
        <= CAST(other.happened_on AS DATE) + INTERVAL '1' DAY * again_days
GROUP BY
    one.person_id,
    one.disbursement_id,
    one.organisation_id,
    one.campaign_id,
    one.happened_on,
    one.amount_fen,
    one.position
ORDER BY one.position
