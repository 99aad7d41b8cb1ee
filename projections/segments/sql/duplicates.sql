-- Payments to a person who was paid again within the days allowed, in the same category, by another
-- union or out of other money; rule E2 asks it as a view. What was sent back does not count; of what was
-- paid again, the day and the money of the last time do (`happened_on`). `others` are those near it.
WITH several AS (
    SELECT person_id
    FROM standing
    WHERE status NOT IN ('returned', 'withdrawn')
    GROUP BY person_id
    HAVING COUNT(*) > 1
),
draws AS (
    SELECT draws.disbursement_id, draws.position, draws.origin_id
    FROM journal_lines AS draws
    JOIN standing ON standing.disbursement_id = draws.disbursement_id
    JOIN several ON several.person_id = standing.person_id
    WHERE draws.from_account = 'fund' AND draws.to_account = 'transit'
),
drawn AS (
    SELECT draws.disbursement_id, ARRAY_SORT(ARRAY_AGG(DISTINCT draws.origin_id)) AS origins
    FROM draws
    JOIN (
        SELECT disbursement_id, MAX(position) AS position FROM draws GROUP BY disbursement_id
    ) AS latest
        ON latest.disbursement_id = draws.disbursement_id AND latest.position = draws.position
    GROUP BY draws.disbursement_id
),
paid AS (
    SELECT standing.*, drawn.origins AS drawn_from
    FROM standing
    JOIN drawn ON drawn.disbursement_id = standing.disbursement_id
    WHERE standing.status NOT IN ('returned', 'withdrawn')
)
SELECT
    one.person_id,
    one.disbursement_id,
    one.organisation_id,
    one.campaign_id,
    one.sent_on AS happened_on,
    one.amount_fen,
    one.position,
    COUNT(*) AS others
FROM paid AS one
JOIN paid AS other ON other.person_id = one.person_id
CROSS JOIN asked
WHERE
    other.position <> one.position
    AND (
        other.category = one.category
        OR other.organisation_id <> one.organisation_id
        OR other.drawn_from <> one.drawn_from
    )
    AND CAST(other.sent_on AS DATE)
        <= CAST(one.sent_on AS DATE) + INTERVAL '1' DAY * again_days
    AND CAST(one.sent_on AS DATE)
        <= CAST(other.sent_on AS DATE) + INTERVAL '1' DAY * again_days
GROUP BY
    one.person_id,
    one.disbursement_id,
    one.organisation_id,
    one.campaign_id,
    one.sent_on,
    one.amount_fen,
    one.position
ORDER BY one.position
