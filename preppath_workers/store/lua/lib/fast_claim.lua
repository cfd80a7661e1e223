-- The fast path, for latency: an idle worker popped a job that has never started, and no other job waits. In any other
-- case changes no job and returns nil.
local function start_popped_job()
  local call = redis.call
  -- The general path registers the instance.
  local known = call('HMGET', base .. 'instance:' .. instance, 'slots', 'gone')
  if known[2] or (tonumber(known[1]) or 0) <= tonumber(slot) then return nil end
  local later = base .. 'later'
  local others = call('EXISTS', GATE, WAIT, later, base .. 'reservations')
  if others > 0 then
    local gate_fields = call('HGETALL', GATE)
    -- `eventsUntil` alone is common, and stops no job. Of the other fields, only these do.
    if gate_fields[3] or gate_fields[1] and gate_fields[1] ~= 'eventsUntil' then
      local closed = call('HMGET', GATE, 'paused', 'heldUntil', 'outOfService', 'limit', 'vendorLimit')
      for index = 1, 5 do
        if closed[index] then return nil end
      end
    end
    if gate_fields[1] then others = others - 1 end
    -- If more jobs wait, one may be more urgent.
    if others > 0 and call('EXISTS', WAIT, later) > 0 then return nil end
  end
  local worker_id = instance .. ':' .. slot
  local active = base .. 'active:' .. worker_id
  local following, settled = call('LINDEX', active, '-1'), nil
  if not following then
    -- needs: reservations
    return others > 0 and start_nothing(worker_id) or {'none'}
  end
  -- No job waits, so all entries of the index are stale: without it, the next job is added with fewer commands. It also is a
  -- first write that needs no memory, see claiming.lua.
  call('DEL', base .. 'priority_index')
  -- needs: first_start
end
