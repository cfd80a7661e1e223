-- needs: ownership, ending_cancelled
--
-- Settles a job that was interrupted because it is cancelled, if the caller still owns it.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
--
-- Returns {"cancelled"}, also if the call is repeated; {"lost"} if another worker owns the job; {"gone"} if
-- there is no such job.

local id, worker_id, fencing_token = ARGV[2], ARGV[3], ARGV[4]

local state = state_if_owned(id, worker_id, fencing_token)
if state == 'cancelled' then return {'cancelled'} end
if state ~= 'active' or not end_if_cancelled(id, worker_id) then return {disowned(id)} end
return {'cancelled'}
