-- A9 一人多档: one person in more than one live file of the archive.
WITH opened AS (
    SELECT person_id, file_number, MAX(position) AS position
    FROM person_files
    WHERE step = 'opened'
    GROUP BY person_id, file_number
),
closed AS (
    SELECT person_id, file_number, MAX(position) AS position
    FROM person_files
    CROSS JOIN asked
    WHERE step = 'closed' AND happened_on <= day
    GROUP BY person_id, file_number
),
live AS (
    SELECT
        files.person_id,
        files.organisation_id,
        files.position,
        files.happened_on,
        COUNT(*) OVER (PARTITION BY files.person_id) AS number,
        ROW_NUMBER() OVER (PARTITION BY files.person_id ORDER BY files.happened_on, files.position)
            AS place
    FROM person_files AS files
    JOIN opened ON opened.position = files.position
    LEFT JOIN closed
        ON closed.person_id = opened.person_id AND closed.file_number = opened.file_number
    CROSS JOIN asked
    WHERE
        files.happened_on <= day
        AND (closed.position IS NULL OR closed.position < opened.position)
),
second AS (
    SELECT person_id, happened_on AS since FROM live WHERE place = 2
)
SELECT
    'A9' AS rule,
    live.organisation_id,
    live.person_id,
    MAX(live.position) AS position,
    second.since,
    live.number,
    CAST(NULL AS BIGINT) AS amount_fen
FROM live
JOIN second ON second.person_id = live.person_id
GROUP BY live.organisation_id, live.person_id, second.since, live.number
ORDER BY live.person_id, live.organisation_id
