-- needs: places, placing, jobs
--
-- Makes a delayed job due now: moves it to `wait`, behind the last job of its priority.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
--
-- Returns {"waiting"}, also if the job waits already; {state} if it is not delayed; {"unknown"} if there is no such job.

local id = ARGV[2]

local state = field_of(id, 'state')
if not state then return {'unknown'} end
if state ~= 'delayed' then return {state} end
check_order()
redis.call('ZREM', DELAYED, id)
redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
place_last({ id }, priority_of(id))
return {'waiting'}
