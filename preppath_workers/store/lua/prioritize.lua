-- needs: removing, placing
--
-- Gives a job that has not started another priority: in `wait` it moves to the end of that lane. In `delayed`,
-- and in the hand of a slot that waits for a token, it stays where it is and counts as that urgent from now on.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  priority, 1 to 100
--
-- Returns {"waiting"} or {"delayed"}, where the job is; else the {state} of one that is past it, or {"unknown"}.

local id, priority = ARGV[2], ARGV[3]

local key = job_key(id)
local state = redis.call('HGET', key, 'state')
if not state then return {'unknown'} end
if state ~= 'waiting' and state ~= 'delayed' then return {state} end
-- One that has it already keeps its place, so that calling again changes nothing.
if priority_of(id) == tonumber(priority) then return {state} end
local was_in_line = state == 'waiting' and remove_waiting(id)
-- One that is not in line may still be the pointer of the lane that it left.
redis.call('ZREM', PRIORITY_INDEX, id)
redis.call('HSET', key, 'priority', priority)
if was_in_line then place_last({ id }, priority) end
return {state}
