-- needs: slots
--
-- Reads what the slots of all instances hold, atomically. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  look at about this many slots at most, which bounds the time that Redis is blocked; missing: at all of them
-- ARGV[3…] instances that an earlier call has left: look at these alone
--
-- Returns {slots, instances}. For each slot there is {worker_id, ms until its instance's lease ends, id, …}, the oldest id
-- first; no id if the slot is empty. A closed slot is listed only if it holds a job. The instances are left for a further
-- call.

local held = {}
local left = each_slot_of({ unpack(ARGV, 3) }, tonumber(ARGV[2] or '') or math.huge, function(worker_id, lease, is_open)
  local ids = redis.call('LRANGE', active_key(worker_id), 0, -1)
  if not is_open and not ids[1] then return end
  local entry = { worker_id, lease }
  for index = #ids, 1, -1 do entry[#entry + 1] = ids[index] end
  held[#held + 1] = entry
end)
return { held, left }
