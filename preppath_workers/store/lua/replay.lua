-- needs: taking_dead, raw_pushes, batches, groups
--
-- Moves jobs from the dead-letter list to `wait`, behind the last job of their priority, and resets their counters.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2…] ids, in the order in which they will run
--
-- Returns {jobs moved}; ids that are not in the list are skipped.

ingest_raw_pushes()

local moved, waiting = 0, new_batch()
for index = 2, #ARGV do
  local id = ARGV[index]
  local key = job_key(id)
  if take_dead(id) and redis.call('EXISTS', key) == 1 then
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
return {moved}
