-- Payments with where each stands by its last word, and on which day it was sent last: instructed, or
-- made again after it came back. Other questions ask it as a view.
SELECT
    payments.*,
    states.status,
    states.reason,
    states.happened_on AS status_since,
    states.amount_fen AS status_fen,
    COALESCE(again.happened_on, payments.happened_on) AS sent_on
FROM disbursements AS payments
JOIN (
    SELECT disbursement_id, MAX(position) AS position
    FROM disbursement_states
    GROUP BY disbursement_id
) AS last_word ON last_word.disbursement_id = payments.disbursement_id
JOIN disbursement_states AS states ON states.position = last_word.position
LEFT JOIN (
    SELECT disbursement_id, MAX(happened_on) AS happened_on
    FROM movements
    WHERE kind = 'reissue'
    GROUP BY disbursement_id
) AS again ON again.disbursement_id = payments.disbursement_id
