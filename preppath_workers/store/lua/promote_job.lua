-- needs: places, placing, jobs
--
-- Makes a delayed job due now: it goes to the end of its lane in `wait`.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
--
-- Returns {"waiting"}, also when it waits already; else the {state} of a job that is not delayed, or {"unknown"}.

local id = ARGV[2]

local state = redis.call('HGET', job_key(id), 'state')
if not state then return {'unknown'} end
if state ~= 'delayed' then return {state} end
redis.call('ZREM', DELAYED, id)
redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
place_last({ id }, priority_of(id))
return {'waiting'}
