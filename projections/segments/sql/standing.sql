-- Payments with where each stands by its last word. Other questions ask it as a view.
SELECT
    payments.*,
    states.status,
    states.reason,
    states.happened_on AS status_since,
    states.amount_fen AS status_fen
FROM disbursements AS payments
JOIN (
    SELECT disbursement_id, MAX(position) AS position
    FROM disbursement_states
    GROUP BY disbursement_id
) AS last_word ON last_word.disbursement_id = payments.disbursement_id
JOIN disbursement_states AS states ON states.position = last_word.position
