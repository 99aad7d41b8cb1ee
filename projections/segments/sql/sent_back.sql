-- What the bank sent back, whose payment it was and why. Rules ask it as a view. A return that the
-- payment's next movement corrects was taken back, and never was.
SELECT
    moves.position,
    moves.disbursement_id,
    payments.organisation_id,
    payments.campaign_id,
    moves.reason,
    moves.happened_on,
    moves.amount_fen
FROM (
    SELECT
        position,
        disbursement_id,
        kind,
        reason,
        happened_on,
        amount_fen,
        LEAD(kind) OVER (PARTITION BY disbursement_id ORDER BY position) AS next_kind
    FROM movements
) AS moves
JOIN disbursements AS payments ON payments.disbursement_id = moves.disbursement_id
WHERE moves.kind = 'return' AND COALESCE(moves.next_kind, '') <> 'correction'
