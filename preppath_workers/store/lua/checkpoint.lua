-- needs: running, ledger
--
-- Stores the result of a step of a running job, if the caller still owns the job, so that a later attempt doesn't
-- repeat (and pay for) the step. A claim returns it with the job's other fields. What the step cost is stored in any case.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  worker_id
-- ARGV[4]  fencing token
-- ARGV[5]  the step's name
-- ARGV[6]  the step's result (JSON)
-- ARGV[7…] answered paid requests: calls as in ledger.lua (JSON)
--
-- Returns {"ok"}; {"cancelled"} if the job is cancelled; {"lost"} if another worker owns it; {"gone"} if
-- there is no such job.

local id, worker_id, fencing_token, name, value = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]

redis.call('LTRIM', active_key(worker_id), '0', '-1') -- out of memory: as in claiming.lua. A paid result must be stored
for index = 7, #ARGV do close_call(id, ARGV[index]) end
local refused = refusal_of(id, worker_id, fencing_token)
if refused then return refused end
redis.call('HSET', job_key(id), 'checkpoint:' .. name, value)
return {'ok'}
