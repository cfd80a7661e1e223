-- Settles a job that succeeded, if it is still the caller's.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing number
-- ARGV[5]  result (JSON)
-- ARGV[6]  how long the job can be looked up (ms)
-- ARGV[7]  how many recent completions are listed
--
-- Returns {"completed"}, also when this very attempt completed it before; {"reopened"} when it was the probe that
-- brought the queue back into service; {"lost"} when it is another's now.

-- needs: completing, tokens

local id, worker_id, fencing_token, result, keep, listed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
-- It may have reserved a further token that it did not wait for: others must not wait behind that.
if state_if_owned(id, worker_id, fencing_token) == 'active' then redis.call('ZREM', RESERVATIONS, worker_id) end
return {complete(id, worker_id, fencing_token, result, keep, listed)}
