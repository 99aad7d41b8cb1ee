-- E2 短期内重复发放: paid again within some days, in the same category, by another union or out of other
-- money.
WITH people AS (
    SELECT
        person_id,
        MAX(happened_on) AS since,
        COUNT(*) AS number,
        CAST(SUM(amount_fen) AS BIGINT) AS amount_fen
    FROM duplicates
    GROUP BY person_id
),
places AS (
    SELECT DISTINCT person_id, organisation_id FROM duplicates
),
first_paid AS (
    SELECT person_id, organisation_id, MIN(position) AS position
    FROM disbursements
    GROUP BY person_id, organisation_id
)
SELECT
    'E2' AS rule,
    places.organisation_id,
    people.person_id,
    first_paid.position,
    people.since,
    people.number,
    people.amount_fen
FROM people
JOIN places ON places.person_id = people.person_id
JOIN first_paid
    ON first_paid.person_id = places.person_id
    AND first_paid.organisation_id = places.organisation_id
ORDER BY first_paid.position
