-- needs: places, removing, placing, slots
--
-- Looks whether a job is in the one place where its state belongs, and can put it there. No job is ever deleted:
-- what is taken away are entries too many, and entries that name no job.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  id
-- ARGV[3]  "1": mend what is wrong; "0": tell it only
--
-- Returns {"fine"}; {"duplicate"} when it is in more places than one; {"missing"} when it is in none; {"misplaced"} when
-- it is in one that its state does not mean; {"unknown"} when there is an entry but no job.

local id, repairs = ARGV[2], ARGV[3] == '1'

local in_line = #redis.call('LPOS', WAIT, id, 'COUNT', 0)
local due = redis.call('ZSCORE', DELAYED, id)
local dead = #redis.call('LPOS', DEAD, id, 'COUNT', 0)
local holders, in_flight = {}, 0
each_slot(function(worker_id)
  local times = #redis.call('LPOS', active_key(worker_id), id, 'COUNT', 0)
  if times > 0 then holders[#holders + 1] = worker_id end
  in_flight = in_flight + times
end)
local places = in_line + in_flight + dead + (due and 1 or 0)

local job = redis.call('HMGET', job_key(id), 'state', 'workerId')
local state, worker_id = job[1], job[2]

local is_owned = false
for _, holder in ipairs(holders) do is_owned = is_owned or holder == worker_id end

-- How many of its entries are where its state means it to be. What a child starts when it comes across it waits,
-- in line or in a hand; and what has no state, a raw push say, the next claim decides about.
local waits = not is_elsewhere(state, worker_id)
local fits = 0
if waits then
  fits = in_line + in_flight
elseif state == 'delayed' then
  fits = due and 1 or 0
elseif state == 'failed' then
  fits = dead
elseif state == 'active' and is_owned then
  fits = in_flight
end

local is_over = state == 'completed' or state == 'cancelled'
local verdict = 'fine'
if not state and places > fits then
  verdict = 'unknown'
elseif state and not is_over and places == 0 then
  verdict = 'missing'
elseif places > 1 and state then
  verdict = 'duplicate'
elseif state and places ~= fits then
  verdict = 'misplaced'
end
if verdict == 'fine' or not repairs then return { verdict } end

-- Out of every place but the right one; an entry of no job stays where a claim will come across it.
redis.call('ZREM', DELAYED, id)
redis.call('LREM', DEAD, 0, id)
if not state then return { verdict } end
for _, holder in ipairs(holders) do redis.call('LREM', active_key(holder), 0, id) end
for _ = 1, in_line do remove_waiting(id) end

local keeps = is_owned and state == 'active' and worker_id or waits and holders[1]
if state == 'delayed' then
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
