-- needs: taking_dead, raw_pushes, batches, groups
--
-- Moves jobs from the dead-letter list to `wait`, behind the last job of their priority, and resets their counters.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] ids, in the order in which they will run
--
-- Returns {jobs moved}; ids that are not in the list are skipped. {jobs moved, ids handled} if the list is so long that
-- the others have to wait for the next call.

check_order()
ingest_raw_pushes()

local ids, taken, handled = take_dead()
local moved, waiting = 0, new_batch()
for _, id in ipairs(ids) do
  local key = job_key(id)
  if taken[id] and redis.call('EXISTS', key) == 1 then
    taken[id] = nil
    redis.call('HSET', key, 'state', 'waiting', 'queuedAt', now, 'attempts', 0, 'failures', 0, 'recoveries', 0)
    redis.call('HDEL', key, 'reason', 'finishedAt', 'progress', 'rateLimits', 'failingSince', 'outage', 'probe', 'outages',
      'excused', 'pardons', 'failingFrom', 'turn')
    add(id, 'replays', 1)
    reopen_group(id)
    add_to(waiting, id, priority_of(id))
    moved = moved + 1
  end
end
place_batch(waiting)
if moved > 0 then count('replayed', moved) end
return {moved, handled}
