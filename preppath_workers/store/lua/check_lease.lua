-- needs: running
--
-- Checks whether the caller still owns a running job, just before an effect that cannot be undone.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
--
-- Returns {"ok"}; {"cancelled"} if the job is cancelled; {"lost"} if another worker owns it; {"gone"} if
-- there is no such job.

local id, worker_id, fencing_token = ARGV[2], ARGV[3], ARGV[4]

local refused = refusal_of(id, worker_id, fencing_token)
if refused then return refused end
return {'ok'}
