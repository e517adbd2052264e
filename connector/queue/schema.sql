-- The durable queue, in one SQLite file (queue.db in the data folder). PRAGMA application_id = 0x52757051 ("RupQ"),
-- PRAGMA user_version = 1. Times are seconds since the epoch. Texts of states are those of connector.queue.State.
--
-- Identity that holds after every commit, for every mapping and every `what` in tallies:
--     tallies.count = rows that say so now + tallies.purged
-- where "rows that say so" are:
--     accepted    jobs of the mapping, plus the sum of filtered.count
--     filtered    the sum of filtered.count
--     in_doubt    the sum of jobs.doubts
--     any state   jobs of the mapping in that state
-- Whoever changes or deletes a row changes the tallies in the same transaction.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,  -- created: when the file was made; ordering: none or account, as the jobs are kept now;
                            -- mark: all events up to this number are in hashes (some later ones are, too)
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mappings (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE  -- as in the destination file; '' for events that no mapping took
) STRICT;

CREATE TABLE tallies (
    mapping INTEGER NOT NULL,  -- mappings.id
    what TEXT NOT NULL,  -- accepted, in_doubt (attempts, not jobs), or a state
    count INTEGER NOT NULL,  -- of all time: this is what the ledger says
    purged INTEGER NOT NULL DEFAULT 0,  -- how many of them have no row any more, because their retention was over
    PRIMARY KEY (mapping, what)
) STRICT, WITHOUT ROWID;

-- An event that made at least one job, once for all the jobs that one put made of it. The same message_id can come
-- again after the window, or for another mapping: it is then another row.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    hash INTEGER NOT NULL,  -- key_hash(message_id): an SQL function of every connection that connector.queue.store opens
    put_at REAL NOT NULL,  -- when it was put: from then on the window of its key counts
    received_at REAL NOT NULL,  -- Job.accepted_at
    message_id TEXT NOT NULL,
    account TEXT NOT NULL,  -- whom it is of: its userId, else its anonymousId; '' when it names nobody or was forgotten
    raw BLOB  -- the event's JSON text; NULL after it was forgotten: none of its jobs may be waiting, sending or held then
) STRICT;

-- Where the events with a hash are. The server that holds the folder has those after the mark in memory; others look
-- through these events. A row goes with its event.
CREATE TABLE hashes (
    hash INTEGER NOT NULL,
    event INTEGER NOT NULL,  -- events.id
    PRIMARY KEY (hash, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,  -- the event's id * 64 + its place among that event's jobs: jobs are numbered as they came
    event INTEGER GENERATED ALWAYS AS (id >> 6) VIRTUAL,  -- only to read. To find an event's jobs:
                                                          -- id BETWEEN event << 6 AND event << 6 | 63
    mapping INTEGER NOT NULL,  -- mappings.id
    state TEXT NOT NULL,  -- waiting, sending, held, delivered, skipped, invalid, dead
    due REAL NOT NULL,  -- waiting: when it may be claimed, 0 for a fresh one; sending: when its lease ends;
                        -- held: since when; delivered, skipped, invalid, dead: when it ended
    turn INTEGER NOT NULL DEFAULT 0,  -- who goes first among those due at the same time; less than 0 when handed back
    cause TEXT,  -- held: refused, in_doubt, mapping; else NULL
    attempts INTEGER NOT NULL DEFAULT 0,  -- the claims of this series, the present one included
    first_at REAL,  -- when the first of them was made
    claim INTEGER NOT NULL DEFAULT 0,  -- numbers all claims of this job; attempts are known by it
    claimed_at REAL,  -- when the last claim was made
    in_doubt INTEGER NOT NULL DEFAULT 0,  -- 1: an attempt may have landed without an answer
    doubts INTEGER NOT NULL DEFAULT 0,  -- how many attempts were in doubt; never becomes less
    lane TEXT,  -- with ordering account, while it is waiting, sending or held: the event's account if not ''; else NULL
    blocked INTEGER NOT NULL DEFAULT 0,  -- 1: waiting, and a job with a lower id is in the same lane: not claimed yet
    reason TEXT NOT NULL DEFAULT '',  -- why it is where it is, redacted
    problems TEXT  -- a JSON array of texts, when it is invalid; else NULL
) STRICT;
CREATE INDEX jobs_ready ON jobs (due, turn) WHERE state = 'waiting' AND blocked = 0;
CREATE INDEX jobs_leased ON jobs (due) WHERE state = 'sending';
CREATE INDEX jobs_held ON jobs (cause, turn) WHERE state = 'held';
CREATE INDEX jobs_dead ON jobs (due) WHERE state = 'dead';
CREATE INDEX jobs_lane ON jobs (lane) WHERE lane IS NOT NULL;

-- What was sent and what came back, without any credential. An attempt that a crash cut off is written when its job is
-- claimed again, with failure 'lost'.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,  -- the job's id * 1024 + its claim (the last of them all, when there are more than 1023)
    job INTEGER GENERATED ALWAYS AS (id >> 10) VIRTUAL,  -- only to read. To find a job's attempts:
                                                         -- id BETWEEN job << 10 AND job << 10 | 1023
    number INTEGER GENERATED ALWAYS AS (id & 1023) VIRTUAL,  -- in order, but with gaps: not every claim sends
    at REAL NOT NULL,  -- when the request was made (lost: when the job was claimed)
    latency REAL,  -- seconds until the answer; NULL when lost
    method TEXT NOT NULL,
    path TEXT NOT NULL,  -- without the base; may name a user
    body TEXT,  -- the request's JSON text; NULL when lost or forgotten
    status INTEGER,  -- of the answer; NULL when there was none
    failure TEXT,  -- timeout, network, lost; NULL when there was an answer
    answer TEXT NOT NULL,  -- the beginning of the answer's body, or the failure's detail; redacted and cut
    reason TEXT NOT NULL,  -- why it did not do; '' when it was delivered
    in_doubt INTEGER NOT NULL  -- 1: it may have landed although no answer says so
) STRICT;

-- Events that made no job, those of one put with the same reason together.
CREATE TABLE filtered (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,  -- when they were put
    mapping INTEGER NOT NULL,  -- mappings.id
    count INTEGER NOT NULL,  -- how many
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    message_ids TEXT NOT NULL  -- a JSON array; to search: instr(message_ids, the id as JSON text) > 0
) STRICT;
