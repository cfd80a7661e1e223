-- needs: places, completions, slots
--
-- Counts the queue's jobs by state, atomically. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  look at about this many slots at most, which bounds the time that Redis is blocked; missing: at all of them
-- ARGV[3…] instances that an earlier call has left: look at these alone
--
-- Returns {waiting, active, delayed, failed, completed, slots of live instances that have a worker, instance, …}. A job that
-- a slot has reserved while it waits for a token counts as waiting; `completed` is the length of the list of recent
-- completions. The instances are left for a further call, whose results have to be added: it counts only what their slots
-- hold.

local names = { unpack(ARGV, 3) }
local counts = names[1] and { 0, 0, 0, 0, 0 } or {
  redis.call('LLEN', WAIT) + redis.call('ZCARD', LATER), 0, redis.call('ZCARD', DELAYED), redis.call('LLEN', DEAD),
  redis.call('LLEN', COMPLETED),
}
local waiting, active, live_slots = 0, 0, 0
local left = each_slot_of(names, tonumber(ARGV[2] or '') or math.huge, function(worker_id, lease, is_open)
  local ids = redis.call('LRANGE', active_key(worker_id), 0, -1)
  if lease > 0 and (is_open or ids[1]) then live_slots = live_slots + 1 end
  for _, id in ipairs(ids) do
    if field_of(id, 'state') == 'active' then active = active + 1 else waiting = waiting + 1 end
  end
end)
counts[1], counts[2], counts[6] = counts[1] + waiting, active, live_slots
for _, instance in ipairs(left) do counts[#counts + 1] = instance end
return counts
