-- What the bank sent back, whose payment it was and why. Rules ask it as a view.
SELECT
    moves.position,
    moves.disbursement_id,
    payments.organisation_id,
    payments.campaign_id,
    moves.reason,
    moves.happened_on,
    moves.amount_fen
FROM movements AS moves
JOIN disbursements AS payments ON payments.disbursement_id = moves.disbursement_id
WHERE moves.kind = 'return'
