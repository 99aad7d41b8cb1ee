-- B3 年度累计超限: what one person got in a calendar year, from all unions, is more than the cap. What
-- came back and was paid again counts in the year in which it was paid again.
WITH paid AS (
    SELECT
        person_id,
        organisation_id,
        CAST(SUBSTR(sent_on, 1, 4) AS BIGINT) AS year,
        sent_on,
        amount_fen
    FROM standing
    WHERE status NOT IN ('returned', 'withdrawn')
),
over_it AS (
    SELECT
        person_id,
        year,
        MAX(sent_on) AS since,
        COUNT(*) AS number,
        CAST(SUM(amount_fen) AS BIGINT) AS amount_fen
    FROM paid
    CROSS JOIN asked
    GROUP BY person_id, year, yearly_maximum_fen
    HAVING SUM(amount_fen) > yearly_maximum_fen
),
places AS (
    SELECT DISTINCT person_id, organisation_id, year FROM paid
),
sent AS (
    SELECT person_id, organisation_id, happened_on, position
    FROM disbursements
    UNION ALL
    SELECT payments.person_id, payments.organisation_id, again.happened_on, again.position
    FROM movements AS again
    JOIN disbursements AS payments ON payments.disbursement_id = again.disbursement_id
    WHERE again.kind = 'reissue'
),
first_paid AS (
    SELECT
        person_id,
        organisation_id,
        CAST(SUBSTR(happened_on, 1, 4) AS BIGINT) AS year,
        MIN(position) AS position
    FROM sent
    GROUP BY person_id, organisation_id, CAST(SUBSTR(happened_on, 1, 4) AS BIGINT)
)
SELECT
    'B3' AS rule,
    places.organisation_id,
    over_it.person_id,
    over_it.year,
    first_paid.position,
    over_it.since,
    over_it.number,
    over_it.amount_fen
FROM over_it
JOIN places ON places.person_id = over_it.person_id AND places.year = over_it.year
JOIN first_paid
    ON first_paid.person_id = places.person_id
    AND first_paid.organisation_id = places.organisation_id
    AND first_paid.year = places.year
ORDER BY first_paid.position
