-- needs: running
--
-- Stores the progress of a running job, if the caller still owns it.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  percent, 0 to 100
-- ARGV[6]  a word for what the job does now; "" or missing for none
--
-- Returns {"ok"}; {"cancelled"} if the job is cancelled; {"lost"} if another worker owns it; {"gone"} if
-- there is no such job.

local id, worker_id, fencing_token, percent, stage = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

local refused = refusal_of(id, worker_id, fencing_token)
if refused then return refused end
redis.call('HSET', job_key(id), 'progress', percent)
if stage and stage ~= '' then redis.call('HSET', job_key(id), 'stage', stage) end
return {'ok'}
