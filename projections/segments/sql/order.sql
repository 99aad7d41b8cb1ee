-- Entries whose version is not the next one of their stream (FORMAT.md, "Checking a log", step 7).
SELECT position, stream, version, expected
FROM (
    SELECT
        position,
        stream,
        version,
        ROW_NUMBER() OVER (PARTITION BY stream ORDER BY position) AS expected
    FROM events
) AS numbered
WHERE version <> expected
ORDER BY position
LIMIT 1
