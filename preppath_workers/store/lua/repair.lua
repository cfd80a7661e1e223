-- needs: taking_dead, removing, placing, slots
--
-- Checks whether a job is in exactly the place that its state requires, and can put it there. Deletes no job, only
-- duplicate entries and entries without a job.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  "1": repair; "0": report only
-- ARGV[4]  how many entries the caller has seen in the dead-letter list, which may be too long to be searched for each job;
--          missing: search it
-- ARGV[5]  the position of the last one, counted from the oldest job
--
-- Returns {"fine"}; {"duplicate"} if the job is in more than one place; {"missing"} if it is in none; {"misplaced"} if it
-- is in a place that its state does not allow; {"unknown"} if there is an entry but no job; {"overwritten"} if the job's key
-- has another type: its entry can go to where the janitor makes a dead letter of it, and the key stays as it is.

local id, repairs = ARGV[2], ARGV[3] == '1'

local in_wait = #redis.call('LPOS', WAIT, id, 'COUNT', 0) + (later.rank(id) and 1 or 0)
local due = redis.call('ZSCORE', DELAYED, id)
local job = fields_of(id, 'state', 'workerId')
local state, worker_id = job[1], job[2]

-- The positions of the job's entries in the dead-letter list. The caller may have missed one, as others leave the list
-- meanwhile, or the job may have failed since. It is near where it was seen or where its time puts it, unless out of order.
local function find_letters()
  local seen, positions = tonumber(ARGV[4] or ''), {}
  if not seen or seen > 1 then return redis.call('LPOS', DEAD, id, 'COUNT', 0) end
  if seen == 1 then note_entries(positions, math.max(0, redis.call('LLEN', DEAD) - 1 - tonumber(ARGV[5]))) end
  if not positions[id] and (seen == 1 or state == 'failed') then find_dead(positions, id) end
  return { positions[id] }
end
local letters = find_letters()
local dead = #letters
local holders, in_flight = {}, 0
each_slot(function(worker_id)
  local times = #redis.call('LPOS', active_key(worker_id), id, 'COUNT', 0)
  if times > 0 then holders[#holders + 1] = worker_id end
  in_flight = in_flight + times
end)
local places = in_wait + in_flight + dead + (due and 1 or 0)

local is_owned = false
for _, holder in ipairs(holders) do is_owned = is_owned or holder == worker_id end

-- `fits`: the number of entries that are where the job's state requires. An entry that a claim would start may be in `wait`
-- or in an active list. So may one without a state, such as a raw push: the next claim decides about it.
local waits = not is_stale_entry(state, worker_id)
local fits = 0
if waits then
  fits = in_wait + in_flight
elseif state == 'delayed' then
  fits = due and 1 or 0
elseif state == 'failed' then
  fits = dead
elseif state == 'active' and is_owned then
  fits = in_flight
end

local is_over = state == 'completed' or state == 'cancelled' or state == 'expired'
local verdict = 'fine'
if job.err then
  verdict = 'overwritten'
elseif not state and places > fits then
  verdict = 'unknown'
elseif state and not is_over and places == 0 then
  verdict = 'missing'
elseif places > 1 and state then
  verdict = 'duplicate'
elseif state and places ~= fits then
  verdict = 'misplaced'
end
if verdict == 'fine' or not repairs then return { verdict } end

-- Remove every entry, except an entry without a job that a claim will handle.
redis.call('ZREM', DELAYED, id)
if dead == 1 then remove_dead(letters) elseif dead > 1 then redis.call('LREM', DEAD, 0, id) end
if not state and not job.err then return { verdict } end
for _, holder in ipairs(holders) do redis.call('LREM', active_key(holder), 0, id) end
for _ = 1, in_wait do remove_waiting(id) end

local keeps = is_owned and state == 'active' and worker_id or waits and holders[1]
if job.err then
  if places > 0 then redis.call('ZADD', DELAYED, '0', id) end
elseif state == 'delayed' then
  redis.call('ZADD', DELAYED, due or now, id)
elseif state == 'failed' then
  redis.call('LPUSH', DEAD, id)
elseif keeps then
  redis.call('RPUSH', active_key(keeps), id)
elseif not is_over then
  redis.call('HSET', job_key(id), 'state', 'waiting', 'queuedAt', now)
  place_first(id, priority_of(id))
end
return { verdict }
