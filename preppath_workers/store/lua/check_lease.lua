-- needs: ownership
--
-- Tells a running job whether it is still the caller's, just before an effect that can not be taken back.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing number
--
-- Returns {"ok"}, or {"lost"} when the job is another's now.

local id, worker_id, fencing_token = ARGV[2], ARGV[3], ARGV[4]

if state_if_owned(id, worker_id, fencing_token) ~= 'active' then return {'lost'} end
return {'ok'}
