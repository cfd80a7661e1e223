-- Settles the job that a worker has completed and starts its next one: complete.lua and claim.lua in one call.
--
-- KEYS[1]  base
-- ARGV[1]  now
-- ARGV[2]  worker_id
-- ARGV[3]  how long the job stays readable (ms)
-- ARGV[4]  length of the list of recent completions
-- ARGV[5]  lease (ms), for registering an instance that is not registered
-- ARGV[6]  the rate limit's maximum; 0 for no limit
-- ARGV[7]  the rate limit's duration (ms)
-- ARGV[8]  the longest time between two probes of a queue that is out of service (ms)
-- ARGV[9]  id of the completed job
-- ARGV[10] its fencing token
-- ARGV[11] its result (JSON)
-- ARGV[12] the field of `durations` that counts its wait and run; missing from workers of earlier versions
-- ARGV[13] how long this worker's attempts waited that were not added up yet (ms); missing most of the time
-- ARGV[14] how long they ran (ms)
--
-- Returns what claim.lua returns, followed by "completed", "reopened" or "lost" (as complete.lua): {"none", "completed"}.
-- One list, because each table in an answer costs Redis several look-ups.

-- needs: ownership, completions, first_starts

local worker_id, keep, listed, limit, duration = ARGV[2], ARGV[3], ARGV[4], ARGV[6], ARGV[7]
local id, fencing_token, result, buckets, wait_ms, run_ms = ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13], ARGV[14]

-- Answers that the job is settled, and what the claim returned.
local function with_verdict(claimed, verdict)
  claimed[#claimed + 1] = verdict
  return claimed
end

-- The fast path of nearly all jobs, so it includes as little as possible. If it cannot go on, the general path below
-- continues from whatever step it reached: both complete and claim can be repeated.
local active = active_key(worker_id)
-- The gate of a queue in normal operation is missing or, while events are wanted, has only this field.
local gate_fields = redis.call('HGETALL', GATE)
local events_until = gate_fields[1] == 'eventsUntil' and not gate_fields[3] and gate_fields[2]
if state_if_owned(id, worker_id, fencing_token) == 'active' and (not gate_fields[1] or events_until) then
  -- Pop two, to see in one command whether the slot held any other job.
  local in_flight = redis.call('RPOP', active, '2') or {}
  if in_flight[1] == id and not in_flight[2] then
    local may_have_group = note_completion(id, result, listed, buckets, wait_ms, run_ms)
    if events_until then
      -- needs: events
      if events_wanted(events_until) then emit(id, 'completed') end
    end
    if may_have_group then
      -- needs: groups
      end_in_group(id, 'completed')
    end
    redis.call('PEXPIRE', job_key(id), keep)
    local following = redis.call('RPOPLPUSH', WAIT, active)
    if not following and redis.call('EXISTS', LATER) == 0 then
      -- needs: reservations
      return with_verdict(start_nothing(worker_id), 'completed')
    end
    local started = following and start_first(worker_id, following, limit, duration)
    if started then return with_verdict(started, 'completed') end
  else
    for index = #in_flight, 1, -1 do redis.call('RPUSH', active, in_flight[index]) end
  end
end

-- needs: completing, claiming

local settled = complete(id, worker_id, fencing_token, result, keep, listed, buckets, wait_ms, run_ms)
local instance, slot = string.match(worker_id, '^(.*):(%d+)$')
return with_verdict(claim(instance, slot, tonumber(ARGV[5]), limit, duration, tonumber(ARGV[8])), settled)
