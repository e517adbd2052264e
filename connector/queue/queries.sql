-- What the queue asks of its file and does to it, by name (schema.sql says what stands where). Statements that look for
-- jobs walk one of the partial indexes, and never over jobs that they do not want.

-- name: mappings
SELECT id, name FROM mappings;

-- name: new_mapping
INSERT INTO mappings (name) VALUES (?) RETURNING id;

-- name: tallies
SELECT name, what, count FROM tallies JOIN mappings ON mappings.id = tallies.mapping;

-- name: waiting
SELECT coalesce(sum(count), 0) FROM tallies WHERE what = 'waiting';

-- name: count
INSERT INTO tallies (mapping, what, count, purged) VALUES (?, ?, ?, ?)
ON CONFLICT (mapping, what) DO UPDATE SET count = count + excluded.count, purged = purged + excluded.purged;

-- name: last_event
SELECT max(
    (SELECT coalesce(max(id), 0) FROM events),
    (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'mark'));

-- name: first_turn
SELECT min(0, coalesce(min(turn), 0)) FROM jobs WHERE state = 'waiting' AND blocked = 0 AND due = 0;

-- name: last_turn
SELECT max(
    (SELECT coalesce(max(turn), 0) FROM jobs WHERE state = 'waiting' AND blocked = 0 AND due > 0),
    (SELECT coalesce(max(turn), 0) FROM jobs WHERE state = 'held'));

-- name: ordering
SELECT value FROM meta WHERE name = 'ordering';

-- name: set_ordering
UPDATE meta SET value = ? WHERE name = 'ordering';

-- name: foreign_change
PRAGMA data_version;

-- name: mark
SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'mark';

-- name: set_mark
UPDATE meta SET value = ? WHERE name = 'mark';

-- name: newest
SELECT id, hash FROM events WHERE id > ? ORDER BY id;

-- name: put_hash
INSERT OR IGNORE INTO hashes (hash, event) VALUES (?, ?);

-- name: forget_hash
DELETE FROM hashes WHERE hash = ? AND event = ?;

-- name: hashed_events
SELECT event FROM hashes WHERE hash IN (SELECT value FROM json_each(?));

-- name: known_events
SELECT id, put_at, message_id FROM events WHERE id IN (SELECT value FROM json_each(?));

-- name: jobs_of_event
SELECT mapping, state IN ('waiting', 'sending', 'held') FROM jobs WHERE id BETWEEN ?1 << 6 AND ?1 << 6 | 63;

-- name: sample
SELECT event.message_id, event.raw, job.state, job.reason FROM events AS event
JOIN jobs AS job ON job.id BETWEEN event.id << 6 AND event.id << 6 | 63
WHERE event.id = (SELECT id FROM events WHERE id >= CAST(? AS INTEGER) ORDER BY id LIMIT 1);

-- name: known_jobs
SELECT event.message_id, mapping.name, job.state, event.put_at FROM events AS event
JOIN jobs AS job ON job.id BETWEEN event.id << 6 AND event.id << 6 | 63 JOIN mappings AS mapping ON mapping.id = job.mapping
WHERE event.id IN (
    SELECT event FROM hashes WHERE hash IN (SELECT value FROM json_each(?)) UNION ALL SELECT value FROM json_each(?))
ORDER BY job.id;

-- name: put_event
INSERT INTO events (id, hash, put_at, received_at, message_id, account, raw) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: put_job
INSERT INTO jobs (id, mapping, state, due, turn) VALUES (?1, ?2, 'waiting', 0.0, ?1);

-- name: put_job_in_lane
INSERT INTO jobs (id, mapping, state, due, turn, lane, blocked)
VALUES (?1, ?2, 'waiting', 0.0, ?1, ?3, EXISTS (SELECT 1 FROM jobs WHERE lane = ?3));

-- name: put_filtered
INSERT INTO filtered (at, mapping, count, reason, detail, message_ids) VALUES (?, ?, ?, ?, ?, ?);

-- name: expired
SELECT j.id, j.mapping, j.attempts, j.first_at, j.claim, j.in_doubt, e.message_id, e.account, e.received_at, e.raw,
    j.claimed_at
FROM jobs AS j INDEXED BY jobs_leased CROSS JOIN events AS e ON e.id = j.id >> 6
WHERE j.state = 'sending' AND j.due <= ?
    AND (j.lane IS NULL OR NOT EXISTS (SELECT 1 FROM jobs AS o WHERE o.lane = j.lane AND o.id < j.id))
ORDER BY j.due, j.id LIMIT ?;

-- name: due
SELECT j.id, j.mapping, j.attempts, j.first_at, j.claim, j.in_doubt, e.message_id, e.account, e.received_at, e.raw
FROM jobs AS j INDEXED BY jobs_ready CROSS JOIN events AS e ON e.id = j.id >> 6
WHERE j.state = 'waiting' AND j.blocked = 0 AND j.due > 0 AND j.due <= ?
ORDER BY j.due, j.turn LIMIT ?;

-- name: fresh
SELECT j.id, j.mapping, j.attempts, j.first_at, j.claim, j.in_doubt, e.message_id, e.account, e.received_at, e.raw
FROM jobs AS j INDEXED BY jobs_ready CROSS JOIN events AS e ON e.id = j.id >> 6
WHERE j.state = 'waiting' AND j.blocked = 0 AND j.due = 0
ORDER BY j.turn LIMIT ?;

-- name: next_lease
SELECT min(due) FROM jobs WHERE state = 'sending';

-- name: next_free_lease
SELECT min(due) FROM jobs AS j WHERE state = 'sending'
    AND (lane IS NULL OR NOT EXISTS (SELECT 1 FROM jobs AS o WHERE o.lane = j.lane AND o.id < j.id));

-- name: next_ready
SELECT min(due) FROM jobs WHERE state = 'waiting' AND blocked = 0;

-- name: next_retry
SELECT min(due) FROM jobs WHERE state = 'waiting' AND blocked = 0 AND due > 0;

-- name: oldest_fresh
SELECT min(received_at) FROM events WHERE id = (
    SELECT id >> 6 FROM jobs WHERE state = 'waiting' AND blocked = 0 AND due = 0 ORDER BY turn LIMIT 1);

-- name: oldest_later
SELECT min(received_at) FROM events WHERE id IN (
    SELECT id >> 6 FROM jobs WHERE state = 'waiting' AND blocked = 0 AND due > 0 ORDER BY due LIMIT 1000);

-- name: lease
UPDATE jobs SET state = 'sending', due = ?1, attempts = attempts + 1, first_at = coalesce(first_at, ?2),
    claim = claim + 1, claimed_at = ?2, in_doubt = in_doubt | ?3, doubts = doubts + ?3, cause = NULL
WHERE id = ?4;

-- name: end
UPDATE jobs SET state = ?1, due = ?2, in_doubt = in_doubt | ?3, doubts = doubts + ?3, reason = ?4, problems = ?5,
    lane = NULL
WHERE id = ?6 AND claim = ?7 AND state = 'sending';

-- name: retry
UPDATE jobs SET state = 'waiting', due = ?1, turn = ?2, in_doubt = in_doubt | ?3, doubts = doubts + ?3, reason = ?4,
    problems = ?5
WHERE id = ?6 AND claim = ?7 AND state = 'sending';

-- name: hold
UPDATE jobs SET state = 'held', cause = ?8, due = ?1, turn = ?2, in_doubt = in_doubt | ?3, doubts = doubts + ?3,
    reason = ?4, problems = ?5
WHERE id = ?6 AND claim = ?7 AND state = 'sending';

-- name: hand_back
UPDATE jobs SET state = 'waiting', due = 0.0, turn = ?1, attempts = attempts - 1,
    first_at = CASE WHEN attempts > 1 THEN first_at END
WHERE id = ?2 AND claim = ?3 AND state = 'sending';

-- name: attempt
INSERT OR REPLACE INTO attempts (id, at, latency, method, path, body, status, failure, answer, reason, in_doubt)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: attempt_if_none
INSERT OR IGNORE INTO attempts (id, at, latency, method, path, body, status, failure, answer, reason, in_doubt)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: held
SELECT id, mapping FROM jobs INDEXED BY jobs_held WHERE state = 'held' AND cause = ? ORDER BY turn LIMIT ?;

-- name: held_of
SELECT id, mapping FROM jobs INDEXED BY jobs_held
WHERE state = 'held' AND cause = ?
    AND mapping IN (SELECT id FROM mappings WHERE name IN (SELECT value FROM json_each(?)))
ORDER BY turn LIMIT ?;

-- name: release
UPDATE jobs SET state = 'waiting', due = ?1, turn = ?2, cause = NULL, attempts = 0, first_at = NULL,
    in_doubt = CASE WHEN ?3 THEN 0 ELSE in_doubt END
WHERE id = ?4;

-- name: block
UPDATE jobs SET blocked = EXISTS (SELECT 1 FROM jobs AS o WHERE o.lane = jobs.lane AND o.id < jobs.id)
WHERE id = ? AND lane IS NOT NULL AND state = 'waiting';

-- name: unblock
UPDATE jobs SET blocked = 0 WHERE id = (SELECT min(id) FROM jobs WHERE lane = ?) AND blocked = 1;

-- name: recover
UPDATE jobs SET due = 0.0 WHERE state = 'sending';

-- name: leave_lanes
UPDATE jobs SET lane = NULL, blocked = 0 WHERE lane IS NOT NULL;

-- name: enter_lanes_ready
UPDATE jobs SET lane = (SELECT nullif(account, '') FROM events WHERE events.id = jobs.id >> 6)
WHERE state = 'waiting' AND blocked = 0;

-- name: enter_lanes_sending
UPDATE jobs SET lane = (SELECT nullif(account, '') FROM events WHERE events.id = jobs.id >> 6) WHERE state = 'sending';

-- name: enter_lanes_held
UPDATE jobs SET lane = (SELECT nullif(account, '') FROM events WHERE events.id = jobs.id >> 6) WHERE state = 'held';

-- name: line_up
UPDATE jobs SET blocked = 1 WHERE state = 'waiting' AND blocked = 0 AND lane IS NOT NULL
    AND EXISTS (SELECT 1 FROM jobs AS o WHERE o.lane = jobs.lane AND o.id < jobs.id);

-- name: old_jobs
SELECT j.id, j.mapping, j.state, j.due, j.doubts, e.put_at, e.hash
FROM jobs AS j CROSS JOIN events AS e ON e.id = j.id >> 6 WHERE j.id > ? ORDER BY j.id LIMIT ?;

-- name: forget_job
DELETE FROM jobs WHERE id = ?;

-- name: forget_attempts
DELETE FROM attempts WHERE id BETWEEN ?1 << 10 AND ?1 << 10 | 1023;

-- name: forget_event
DELETE FROM events WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE id BETWEEN ?1 << 6 AND ?1 << 6 | 63);

-- name: old_filtered
SELECT id, mapping, count, at FROM filtered ORDER BY id LIMIT ?;

-- name: forget_filtered
DELETE FROM filtered WHERE id = ?;
