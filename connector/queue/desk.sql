-- What an operator asks of the store, and changes in it. The tables and what holds among them: schema.sql.

-- name: listing
SELECT j.id, e.message_id, m.name, j.state, j.cause, j.reason, j.problems, j.in_doubt, j.due, j.blocked, e.received_at,
    (SELECT count(*) FROM attempts t WHERE t.id BETWEEN j.id << 10 AND j.id << 10 | 1023)

-- name: numbers
SELECT j.id

-- name: from_all
FROM jobs j JOIN events e ON e.id = j.id >> 6 JOIN mappings m ON m.id = j.mapping

-- name: from_events
FROM json_each(:events) v JOIN jobs j ON j.id BETWEEN v.value << 6 AND v.value << 6 | 63
    JOIN events e ON e.id = v.value JOIN mappings m ON m.id = j.mapping

-- name: chosen
WHERE j.id > :after
    AND j.state IN (SELECT value FROM json_each(:states))
    AND (:mapping IS NULL OR m.name = :mapping)
    AND (:account IS NULL OR e.account = :account)
    AND (:since IS NULL OR e.received_at >= :since)
    AND (:until IS NULL OR e.received_at < :until)
    AND (:reason IS NULL OR instr(lower(j.reason), lower(:reason)) OR instr(lower(j.problems), lower(:reason)))
ORDER BY j.id LIMIT :limit

-- name: events_called
SELECT id FROM events
WHERE id IN (SELECT event FROM hashes WHERE hash = key_hash(:message_id)) AND message_id = :message_id
UNION SELECT id FROM events
WHERE id > (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'mark') AND message_id = :message_id
ORDER BY id

-- name: event
SELECT message_id, received_at, raw FROM events WHERE id = :event

-- name: jobs_of
SELECT j.id, m.name, j.state, j.cause, j.reason, j.problems, j.attempts, j.in_doubt, j.due, j.blocked, j.claimed_at
FROM jobs j JOIN mappings m ON m.id = j.mapping WHERE j.id BETWEEN :event << 6 AND :event << 6 | 63 ORDER BY j.id

-- name: attempts_of
SELECT at, latency, method, path, body, status, failure, answer, reason, in_doubt
FROM attempts WHERE id BETWEEN :job << 10 AND :job << 10 | 1023 ORDER BY id

-- name: stored_jobs
SELECT j.id, m.name, j.state, j.cause, j.reason, j.problems, e.message_id, e.received_at, e.account, e.raw,
    t.at, t.latency, t.method, t.path, t.body, t.status, t.failure, t.answer, t.reason, t.in_doubt
FROM json_each(:jobs) v JOIN jobs j ON j.id = v.value JOIN events e ON e.id = j.id >> 6 JOIN mappings m ON m.id = j.mapping
    LEFT JOIN attempts t ON t.id = (
        SELECT max(a.id) FROM attempts a WHERE a.id BETWEEN j.id << 10 AND j.id << 10 | 1023 AND a.body IS NOT NULL)
ORDER BY v.key

-- Why jobs are where they are: those alike together, so many jobs at a time that a store of any size takes little memory.

-- name: alike
SELECT m.name, c.state, c.cause, c.reason, c.problems, count(*), min(c.due), max(c.due),
    substr(group_concat(c.id), 1, 80), sum(count(*)) OVER (), max(max(c.id)) OVER ()
FROM (SELECT j.id, j.mapping, j.state, j.cause, j.reason, j.problems, j.due

-- name: from_jobs
FROM jobs j
WHERE j.id > :after
    AND j.state IN (SELECT value FROM json_each(:states))
    AND (:mapping IS NULL OR j.mapping = (SELECT id FROM mappings WHERE name = :mapping))
    AND (:reason IS NULL OR instr(lower(j.reason), lower(:reason)) OR instr(lower(j.problems), lower(:reason)))
ORDER BY j.id LIMIT :limit

-- name: together
) c JOIN mappings m ON m.id = c.mapping GROUP BY c.mapping, c.state, c.cause, c.reason, c.problems

-- name: standings
SELECT j.id, m.name, j.state, j.cause, j.reason, j.problems, j.attempts, j.due, j.blocked
FROM json_each(:jobs) v JOIN jobs j ON j.id = v.value JOIN mappings m ON m.id = j.mapping ORDER BY v.key

-- Accounts within which the order is kept, of jobs in any state; an event that names nobody keeps none.

-- name: lanes
SELECT v.value, e.account FROM json_each(:jobs) v JOIN events e ON e.id = v.value >> 6
WHERE e.account <> '' AND (SELECT value FROM meta WHERE name = 'ordering') = 'account'

-- name: names
SELECT e.message_id FROM json_each(:jobs) v JOIN events e ON e.id = v.value >> 6 ORDER BY v.key

-- name: filtered_rows
SELECT f.at, m.name, f.reason, f.detail, f.count, f.message_ids
FROM filtered f JOIN mappings m ON m.id = f.mapping
WHERE (:message_id IS NULL OR instr(f.message_ids, :message_id) > 0)
    AND (:mapping IS NULL OR m.name = :mapping)
    AND (:since IS NULL OR f.at >= :since)
    AND (:until IS NULL OR f.at < :until)
    AND (:reason IS NULL OR instr(lower(f.reason), lower(:reason)) OR instr(lower(f.detail), lower(:reason)))
ORDER BY f.id

-- What the ledger says, and what the rows say.

-- name: tallies
SELECT coalesce(m.name, '#' || t.mapping), t.what, t.count, t.purged
FROM tallies t LEFT JOIN mappings m ON m.id = t.mapping

-- name: job_counts
SELECT coalesce(m.name, '#' || c.mapping), c.state, c.jobs, c.doubts
FROM (SELECT mapping, state, count(*) AS jobs, sum(doubts) AS doubts FROM jobs GROUP BY mapping, state) c
    LEFT JOIN mappings m ON m.id = c.mapping

-- name: filtered_counts
SELECT coalesce(m.name, '#' || c.mapping), c.events
FROM (SELECT mapping, sum(count) AS events FROM filtered GROUP BY mapping) c LEFT JOIN mappings m ON m.id = c.mapping

-- name: jobs_without_event
SELECT count(*) FROM jobs j WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = j.id >> 6)

-- name: events_without_job
SELECT count(*) FROM events e
WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id BETWEEN e.id << 6 AND e.id << 6 | 63)

-- name: attempts_without_job
SELECT count(*) FROM attempts t WHERE NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = t.id >> 10)

-- name: rows_without_mapping
SELECT (SELECT count(*) FROM jobs WHERE mapping NOT IN (SELECT id FROM mappings))
    + (SELECT count(*) FROM filtered WHERE mapping NOT IN (SELECT id FROM mappings))
    + (SELECT count(*) FROM tallies WHERE mapping NOT IN (SELECT id FROM mappings))

-- name: unfinished_without_raw
SELECT count(*) FROM jobs j JOIN events e ON e.id = j.id >> 6
WHERE j.state IN ('waiting', 'sending', 'held') AND e.raw IS NULL

-- What is changed, always one job by its number; the ledger's tallies are changed beside it.

-- name: standing
SELECT j.state, j.mapping, j.cause, j.due, j.lane, j.claim, j.claimed_at, e.raw IS NULL
FROM jobs j JOIN events e ON e.id = j.id >> 6 WHERE j.id = :job

-- name: rejoin
UPDATE jobs SET reason = '', problems = NULL, lane = CASE (SELECT value FROM meta WHERE name = 'ordering')
    WHEN 'account' THEN (SELECT nullif(account, '') FROM events WHERE events.id = jobs.id >> 6) END
WHERE id = :job RETURNING lane

-- name: block_later
UPDATE jobs SET blocked = 1 WHERE lane = :lane AND id > :job AND state = 'waiting'

-- name: end_by_hand
UPDATE jobs SET state = 'skipped', due = :now, cause = NULL, reason = :reason, problems = NULL, lane = NULL, blocked = 0,
    in_doubt = in_doubt | :lost, doubts = doubts + :lost
WHERE id = :job

-- What is erased: who an event is of, and all that was made of it. Ids by which it is told from others stay.

-- name: events_from
SELECT id, account, raw FROM events WHERE id > :after AND raw IS NOT NULL ORDER BY id LIMIT :limit

-- name: attempts_from
SELECT id, path, body FROM attempts WHERE id > :after AND method <> '' ORDER BY id LIMIT :limit

-- name: states_of
SELECT id, state, due FROM jobs WHERE id BETWEEN :event << 6 AND :event << 6 | 63 ORDER BY id

-- name: erase_event
UPDATE events SET raw = NULL, account = '' WHERE id = :event

-- name: erase_problems
UPDATE jobs SET problems = '[]' WHERE id BETWEEN :event << 6 AND :event << 6 | 63 AND problems IS NOT NULL

-- name: erase_reasons
UPDATE jobs SET reason = substr(reason, 1, instr(reason, ':') - 1)
WHERE id BETWEEN :event << 6 AND :event << 6 | 63 AND instr(reason, ':') > 0

-- name: erase_attempts
UPDATE attempts SET body = NULL, path = '[forgotten]', answer = '',
    reason = CASE instr(reason, ':') WHEN 0 THEN reason ELSE substr(reason, 1, instr(reason, ':') - 1) END
WHERE id BETWEEN :event << 16 AND :event << 16 | 65535 AND method <> ''

-- What is unused in the file is overwritten by a text that takes it, and is let go again.

-- name: fill_free
INSERT OR REPLACE INTO meta (name, value) VALUES (:name, printf('%.*c', :length, ' '))

-- name: empty_free
DELETE FROM meta WHERE name = :name

-- name: filled
SELECT name FROM meta WHERE name LIKE 'scrub %'
