-- needs: jobs, placing, dead

--: Bytes of JSON that one job's data may have, as for producers (MAX_DATA_BYTES in queue.py). What is larger is
--: not even read: to decode 5 MB takes the server a tenth of a second in which it does nothing else.
local MAX_DATA_BYTES = 1000000

-- Gives an entry that some client pushed by itself an id and a job hash. A JSON object becomes a waiting job
-- and its id is returned; anything else goes to the dead-letter list as it is, and nil is returned. So is the id
-- of a job, but for one whose state somebody deleted: that one waits.
local serial = 0
local function admit(entry)
  if redis.call('EXISTS', job_key(entry)) == 1 then
    redis.call('HSET', job_key(entry), 'state', 'waiting', 'priority', DEFAULT_PRIORITY)
    return entry
  end
  local id
  repeat
    serial = serial + 1
    id = string.format('raw-%.0f-%d', now, serial)
  until redis.call('EXISTS', job_key(id)) == 0
  redis.call('HSET', job_key(id), 'data', entry, 'priority', DEFAULT_PRIORITY, 'state', 'waiting', 'createdAt', now)
  count('enqueued')
  if #entry > MAX_DATA_BYTES then
    bury(id, 'invalid', cjson.encode({
      class = 'InvalidJob',
      message = string.format('data has %d bytes of JSON; at most %d are allowed', #entry, MAX_DATA_BYTES),
    }))
    return nil
  end
  if string.find(entry, '^%s*{') and pcall(cjson.decode, entry) then return id end
  bury(id, 'malformed', cjson.encode({
    class = 'MalformedEntry',
    message = 'this entry was neither the id of a job nor a JSON object',
  }))
  return nil
end

-- Raw pushes lie at the left end, beyond every lane. Placing others before them again and again would starve
-- them, so whoever places a job first gives them their places. Each raw push is moved once. A pushed id of a job
-- that is accounted for elsewhere is dropped, as the claim would do: it would shield the raw pushes behind it.
local function adopt_raw_pushes()
  local entries = {}
  while true do
    local entry = redis.call('LINDEX', WAIT, '0')
    if not entry then break end
    local held = redis.call('HMGET', job_key(entry), 'state', 'owner')
    if held[1] and not is_elsewhere(held[1], held[2]) then break end
    redis.call('LPOP', WAIT)
    if not held[1] then entries[#entries + 1] = entry end
  end
  local ids = {}
  for index = #entries, 1, -1 do ids[#ids + 1] = admit(entries[index]) end
  if #ids > 0 then place_last(ids, DEFAULT_PRIORITY) end
end
