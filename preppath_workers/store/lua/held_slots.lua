-- needs: slots
--
-- Reads what the slots of all instances hold, atomically. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns a list: for each slot {worker_id, ms until its instance's lease ends, id, …}, the oldest id first; no id if the
-- slot is empty. A closed slot is listed only if it holds a job.

local held = {}
each_slot(function(worker_id, lease, is_open)
  local ids = redis.call('LRANGE', active_key(worker_id), 0, -1)
  if not is_open and not ids[1] then return end
  local entry = { worker_id, lease }
  for index = #ids, 1, -1 do entry[#entry + 1] = ids[index] end
  held[#held + 1] = entry
end)
return held
