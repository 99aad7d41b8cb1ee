-- Opening surplus of each fiscal year and how much of it reached people (结余消化率), in fen: of each
-- union by itself (consolidated 0), and of it with all that stood below it on the day (consolidated 1).
-- What one of them passed on to another, who then opened the year with it, counts once. The opening is
-- what stood in hand when the year was opened, what was on its way to people then, what had reached
-- people before and comes back, and what receipts are corrected by.
-- Consumed is what reached people of the opening lots wherever they were passed on; paid, in hand and
-- in transit are of all money of earlier vintages that these unions held. The ratio is in basis
-- points, rounded down, and null where there was nothing to consume.
WITH RECURSIVE placed AS (
    SELECT
        organisation_id,
        parent_id,
        ROW_NUMBER() OVER (
            PARTITION BY organisation_id
            ORDER BY
                CASE WHEN since <= day THEN 0 ELSE 1 END,
                CASE WHEN since <= day THEN since END DESC,
                CASE WHEN since <= day THEN position END DESC,
                since,
                position
        ) AS place
    FROM organisation_parents
    CROSS JOIN asked
),
beneath AS (
    SELECT organisation_id AS top_id, organisation_id FROM organisations
    UNION ALL
    SELECT beneath.top_id, placed.organisation_id
    FROM beneath
    JOIN placed ON placed.parent_id = beneath.organisation_id
    WHERE placed.place = 1
),
scopes AS (
    SELECT organisation_id AS top_id, organisation_id, 0 AS consolidated FROM organisations
    UNION ALL
    SELECT top_id, organisation_id, 1 AS consolidated FROM beneath
),
-- A receipt that was brought forward at once stands among the openings again where it is corrected.
brought_forward AS (
    SELECT
        openings.position,
        openings.organisation_id,
        openings.year,
        openings.lot_id,
        openings.amount_fen
    FROM openings
    LEFT JOIN (
        SELECT DISTINCT position
        FROM journal_lines
        WHERE from_account = 'source' OR to_account = 'source'
    ) AS corrected
        ON corrected.position = openings.position
    WHERE corrected.position IS NULL
),
own AS (
    SELECT
        scopes.top_id,
        scopes.consolidated,
        brought_forward.year,
        brought_forward.lot_id,
        MIN(brought_forward.position) AS first_position,
        SUM(brought_forward.amount_fen) AS amount_fen
    FROM brought_forward
    JOIN scopes ON scopes.organisation_id = brought_forward.organisation_id
    GROUP BY scopes.top_id, scopes.consolidated, brought_forward.year, brought_forward.lot_id
),
followed AS (
    SELECT top_id, consolidated, year, lot_id, first_position AS since
    FROM own
    UNION ALL
    SELECT followed.top_id, followed.consolidated, followed.year, lots.lot_id, followed.since
    FROM followed
    JOIN lots ON lots.parent_id = followed.lot_id
    WHERE lots.position > followed.since
),
once AS (
    SELECT top_id, consolidated, year, lot_id, MIN(since) AS since
    FROM followed
    GROUP BY top_id, consolidated, year, lot_id
),
begun AS (
    SELECT
        own.top_id,
        own.consolidated,
        own.year,
        own.lot_id,
        own.first_position,
        own.amount_fen
    FROM own
    JOIN once
        ON once.top_id = own.top_id
        AND once.consolidated = own.consolidated
        AND once.year = own.year
        AND once.lot_id = own.lot_id
        AND once.since = own.first_position
),
opened AS (
    SELECT
        top_id,
        consolidated,
        year,
        CAST(SUM(amount_fen) AS BIGINT) AS brought_forward_fen
    FROM begun
    GROUP BY top_id, consolidated, year
),
moved AS (
    SELECT position, organisation_id, lot_id, vintage, disbursement_id, to_account AS account,
        amount_fen
    FROM journal_lines
    UNION ALL
    SELECT position, organisation_id, lot_id, vintage, disbursement_id, from_account AS account,
        -amount_fen AS amount_fen
    FROM journal_lines
),
ever AS (
    SELECT position, lot_id, amount_fen
    FROM lines_of_every_day
    WHERE to_account IN ('transit', 'returned')
    UNION ALL
    SELECT position, lot_id, -amount_fen AS amount_fen
    FROM lines_of_every_day
    WHERE from_account IN ('transit', 'returned')
),
under_way AS (
    SELECT
        begun.top_id,
        begun.consolidated,
        begun.year,
        CAST(SUM(ever.amount_fen) AS BIGINT) AS amount_fen
    FROM begun
    JOIN ever ON ever.lot_id = begun.lot_id
    WHERE ever.position <= begun.first_position
    GROUP BY begun.top_id, begun.consolidated, begun.year
),
reached AS (
    SELECT
        once.top_id,
        once.consolidated,
        once.year,
        CAST(SUM(CASE WHEN moved.account = 'source' THEN -moved.amount_fen ELSE 0 END) AS BIGINT)
            AS corrected_fen,
        CAST(SUM(CASE WHEN moved.account = 'recipient' THEN moved.amount_fen ELSE 0 END) AS BIGINT)
            AS reached_fen,
        CAST(SUM(
            CASE WHEN moved.account IN ('transit', 'returned') THEN moved.amount_fen ELSE 0 END
        ) AS BIGINT) AS in_transit_fen
    FROM once
    JOIN moved ON moved.lot_id = once.lot_id
    WHERE moved.position > once.since
    GROUP BY once.top_id, once.consolidated, once.year
),
-- Payments that left people after the year was opened: few, so that these alone are told apart.
left_people AS (
    SELECT DISTINCT
        once.top_id,
        once.consolidated,
        once.year,
        once.lot_id,
        once.since,
        journal_lines.disbursement_id
    FROM once
    JOIN journal_lines ON journal_lines.lot_id = once.lot_id
    WHERE journal_lines.position > once.since AND journal_lines.from_account = 'recipient'
),
payment AS (
    SELECT
        left_people.top_id,
        left_people.consolidated,
        left_people.year,
        left_people.lot_id,
        left_people.disbursement_id,
        SUM(moved.amount_fen) AS reached_fen
    FROM left_people
    JOIN moved
        ON moved.lot_id = left_people.lot_id
        AND moved.disbursement_id = left_people.disbursement_id
    WHERE moved.position > left_people.since AND moved.account = 'recipient'
    GROUP BY
        left_people.top_id,
        left_people.consolidated,
        left_people.year,
        left_people.lot_id,
        left_people.disbursement_id
),
came_back AS (
    SELECT top_id, consolidated, year, CAST(SUM(-reached_fen) AS BIGINT) AS amount_fen
    FROM payment
    WHERE reached_fen < 0
    GROUP BY top_id, consolidated, year
),
turned AS (
    SELECT organisation_id, vintage, account, CAST(SUM(amount_fen) AS BIGINT) AS amount_fen
    FROM moved
    GROUP BY organisation_id, vintage, account
),
held AS (
    SELECT
        opened.top_id,
        opened.consolidated,
        opened.year,
        CAST(SUM(CASE WHEN turned.account = 'recipient' THEN turned.amount_fen ELSE 0 END) AS BIGINT)
            AS paid_fen,
        CAST(SUM(CASE WHEN turned.account = 'fund' THEN turned.amount_fen ELSE 0 END) AS BIGINT)
            AS in_hand_fen,
        CAST(SUM(
            CASE WHEN turned.account IN ('transit', 'returned') THEN turned.amount_fen ELSE 0 END
        ) AS BIGINT) AS in_transit_fen
    FROM opened
    JOIN scopes
        ON scopes.top_id = opened.top_id AND scopes.consolidated = opened.consolidated
    JOIN turned ON turned.organisation_id = scopes.organisation_id
    WHERE turned.vintage < opened.year
    GROUP BY opened.top_id, opened.consolidated, opened.year
),
told AS (
    SELECT
        opened.top_id,
        opened.consolidated,
        opened.year,
        opened.brought_forward_fen + COALESCE(under_way.amount_fen, 0)
            + COALESCE(reached.corrected_fen, 0) + COALESCE(came_back.amount_fen, 0)
            AS opening_fen,
        COALESCE(reached.reached_fen, 0) + COALESCE(came_back.amount_fen, 0) AS consumed_fen,
        COALESCE(under_way.amount_fen, 0) + COALESCE(reached.in_transit_fen, 0)
            AS consumed_in_transit_fen,
        COALESCE(held.paid_fen, 0) AS paid_fen,
        COALESCE(held.in_hand_fen, 0) AS in_hand_fen,
        COALESCE(held.in_transit_fen, 0) AS in_transit_fen
    FROM opened
    LEFT JOIN under_way
        ON under_way.top_id = opened.top_id
        AND under_way.consolidated = opened.consolidated
        AND under_way.year = opened.year
    LEFT JOIN reached
        ON reached.top_id = opened.top_id
        AND reached.consolidated = opened.consolidated
        AND reached.year = opened.year
    LEFT JOIN came_back
        ON came_back.top_id = opened.top_id
        AND came_back.consolidated = opened.consolidated
        AND came_back.year = opened.year
    LEFT JOIN held
        ON held.top_id = opened.top_id
        AND held.consolidated = opened.consolidated
        AND held.year = opened.year
)
SELECT
    top_id AS organisation_id,
    year,
    consolidated,
    opening_fen,
    consumed_fen,
    consumed_in_transit_fen,
    paid_fen,
    in_hand_fen,
    in_transit_fen,
    CASE
        WHEN opening_fen = 0 THEN NULL
        ELSE CAST(
            ROUND((consumed_fen * 10000 - (consumed_fen * 10000) % opening_fen) / opening_fen)
            AS BIGINT
        )
    END AS ratio_basis_points
FROM told
ORDER BY top_id, year, consolidated
