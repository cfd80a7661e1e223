-- needs: places, completions, slots
--
-- Counts the queue's jobs by state, atomically. Changes nothing.
--
-- KEYS[1]  base
-- ARGV[1]  now
--
-- Returns {waiting, active, delayed, failed, completed, slots of live instances that have a worker}. A job that a slot
-- has reserved while it waits for a token counts as waiting; `completed` is the length of the list of recent completions.

local waiting, active, live_slots = redis.call('LLEN', WAIT) + redis.call('ZCARD', LATER), 0, 0
each_slot(function(worker_id, lease, is_open)
  local ids = redis.call('LRANGE', active_key(worker_id), 0, -1)
  if lease > 0 and (is_open or ids[1]) then live_slots = live_slots + 1 end
  for _, id in ipairs(ids) do
    if redis.call('HGET', job_key(id), 'state') == 'active' then active = active + 1 else waiting = waiting + 1 end
  end
end)
return {
  waiting, active, redis.call('ZCARD', DELAYED), redis.call('LLEN', DEAD), redis.call('LLEN', COMPLETED), live_slots,
}
