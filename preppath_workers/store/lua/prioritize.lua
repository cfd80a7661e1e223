-- needs: removing, placing, slots
--
-- Changes the priority of a job that has not started. In `wait` it moves behind the last job of that priority. A delayed
-- or reserved job stays where it is.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  priority, 1 to 100
-- ARGV[4]  the slot that has reserved the job, as ARGV[5] of cancel.lua
--
-- Returns {"waiting"} or {"delayed"}; {state} if the job has started or is over; {"unknown"} if there is no such job;
-- {"reserved"} as in cancel.lua.

local id, priority = ARGV[2], ARGV[3]

local key = job_key(id)
local state = field_of(id, 'state')
if not state then return {'unknown'} end
if state ~= 'waiting' and state ~= 'delayed' then return {state} end
-- A repeated call must not move the job again.
if priority_of(id) == tonumber(priority) then return {state} end
check_order()
local was_in_wait = state == 'waiting' and remove_waiting(id, likely_position)
if state == 'waiting' and not was_in_wait then
  local holder, has_to_look = holder_of(id, ARGV[4])
  if has_to_look then return {'reserved'} end
  was_in_wait = not holder and remove_waiting(id)
end
-- The index may still name a reserved job as the last one of its old priority.
redis.call('ZREM', PRIORITY_INDEX, id)
redis.call('HSET', key, 'priority', priority)
if was_in_wait then place_last({ id }, priority) end
return {state}
