-- needs: priority_index, layout
--
-- The field of a job's data that identifies its user is stored in FAIR, so that all producers place jobs in the same way. The
-- newest configuration among the instances decides; `fairSince` of META is when it was read (ms).

-- pcall: a key of another type must not stop the caller.
local function agree_on_fairness(field, configured_at)
  local known = redis.pcall('HGET', META, 'fairSince')
  local since = type(known) == 'string' and integer(known) or 0
  -- Stored before the clock was set back: it says nothing, so the next heartbeats decide.
  if since > now then since = 0 end
  if configured_at < since then return end
  local stored = redis.pcall('HGET', FAIR, 'by')
  if (stored or '') == field then return end
  redis.pcall('HSET', META, 'fairSince', string.format('%.0f', configured_at))
  if field == '' then redis.call('DEL', FAIR) else redis.pcall('HSET', FAIR, 'by', field) end
end
