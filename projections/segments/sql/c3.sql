-- C3 多人一卡: money for more than one person went to one account, known by its blind index alone.
-- What was sent back did not go there; what was paid again went to the card of that time.
WITH sent AS (
    SELECT cards.card, payments.organisation_id, cards.position
    FROM payment_cards AS cards
    JOIN disbursements AS payments ON payments.position = cards.position
    UNION ALL
    SELECT again.card, payments.organisation_id, again.position
    FROM reissue_cards AS again
    JOIN disbursements AS payments ON payments.disbursement_id = again.disbursement_id
),
went AS (
    SELECT cards.card, payments.disbursement_id
    FROM payment_cards AS cards
    JOIN standing AS payments ON payments.position = cards.position
    LEFT JOIN (SELECT DISTINCT disbursement_id FROM reissue_cards) AS later
        ON later.disbursement_id = payments.disbursement_id
    WHERE payments.status NOT IN ('returned', 'withdrawn') AND later.disbursement_id IS NULL
    UNION
    SELECT again.card, payments.disbursement_id
    FROM reissue_cards AS again
    JOIN standing AS payments ON payments.disbursement_id = again.disbursement_id
    JOIN (
        SELECT disbursement_id, MAX(position) AS position
        FROM reissue_cards
        GROUP BY disbursement_id
    ) AS latest ON latest.position = again.position
    WHERE payments.status NOT IN ('returned', 'withdrawn')
),
paid AS (
    SELECT
        went.card,
        payments.person_id,
        payments.organisation_id,
        payments.happened_on,
        payments.amount_fen
    FROM went
    JOIN disbursements AS payments ON payments.disbursement_id = went.disbursement_id
),
shared AS (
    SELECT
        card,
        MAX(happened_on) AS since,
        COUNT(DISTINCT person_id) AS number,
        CAST(SUM(amount_fen) AS BIGINT) AS amount_fen
    FROM paid
    GROUP BY card
    HAVING COUNT(DISTINCT person_id) > 1
),
places AS (
    SELECT DISTINCT card, organisation_id FROM paid
),
first_sent AS (
    SELECT card, organisation_id, MIN(position) AS position
    FROM sent
    GROUP BY card, organisation_id
)
SELECT
    'C3' AS rule,
    places.organisation_id,
    first_sent.position,
    shared.since,
    shared.number,
    shared.amount_fen
FROM shared
JOIN places ON places.card = shared.card
JOIN first_sent
    ON first_sent.card = places.card AND first_sent.organisation_id = places.organisation_id
ORDER BY first_sent.position, places.organisation_id
