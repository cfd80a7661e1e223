-- needs: slots
--
-- What the slots of all instances hold, at one moment. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns a list: for each slot {owner, ms until its instance's lease ends, id, …}, the oldest id first; an empty
-- slot has no id.

local held = {}
each_slot(function(owner, lease)
  local entry = { owner, lease }
  local ids = redis.call('LRANGE', active_key(owner), 0, -1)
  for index = #ids, 1, -1 do entry[#entry + 1] = ids[index] end
  held[#held + 1] = entry
end)
return held
