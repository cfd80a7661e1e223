-- Does work and may return from the script: completes a job and starts the next one, in the ordinary case.
--
-- Nearly all jobs take this path. What it costs is mostly the number of its commands, then of their arguments and of the
-- functions that are created: so it has none of its own and includes as little as possible. If it cannot go on, the
-- general path behind it continues from whatever step it reached: both complete and claim can be repeated.
local call = redis.call
local key, active = base .. 'job:' .. id, base .. 'active:' .. worker_id
local held = redis.pcall('HMGET', key, 'state', 'workerId', 'fencingToken')
if held[1] == 'active' and held[2] == worker_id and held[3] == fencing_token then
  local completed = base .. 'completed'
  call('PEXPIRE', key, keep) -- a first write that needs no memory: as in claiming.lua
  -- One command moves the job to the list of completions, if there is one. pcall: a key of another type.
  local moved
  if listed == '0' then moved = call('RPOP', active) else moved = redis.pcall('RPOPLPUSH', active, completed) end
  -- Normally the slot held no other job, and the gate is missing or, while events are wanted, has only this field.
  local others, events_until = call('EXISTS', GATE, active), nil
  if others == 1 then
    local gate_fields = redis.pcall('HGETALL', GATE)
    events_until = gate_fields[1] == 'eventsUntil' and not gate_fields[3] and gate_fields[2]
    if events_until then others = 0 end
  end
  if moved == id and others == 0 then
    local settled = 'completed'
    -- needs: succeeded
    local counted = redis.pcall('HINCRBY', base .. (buckets and 'durations' or 'stats'), buckets or settled, '1')
    if run_ms then
      -- needs: durations
      add_times(settled, wait_ms, run_ms)
    end
    -- Looks at the list's length now and then, but each time if it is short: three digits.
    if listed ~= '0' and (#listed < 4 or type(counted) == 'number' and counted % 50 == 0) then
      -- needs: completions
      trim_completions(call('LLEN', COMPLETED), tonumber(listed))
    end
    if events_until and (tonumber(events_until) or 0) > tonumber(timestamp) then
      local event = settled
      -- needs: emitted
    end
    if may_have_group then
      -- needs: base, groups
      end_in_group(id, settled)
    end
    local following = call('RPOPLPUSH', WAIT, active)
    if following then
      -- needs: first_start
    elseif call('EXISTS', base .. 'later') == 0 then
      -- needs: reservations
      local claimed = start_nothing(worker_id)
      claimed[#claimed + 1] = settled
      return claimed
    end
  else
    -- Undo what was done.
    call('PERSIST', key)
    if moved and not moved.err then
      if listed ~= '0' then call('LPOP', completed) end
      call('RPUSH', active, moved)
    end
  end
end
