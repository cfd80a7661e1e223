-- needs: new_jobs, checking, placing, dead_letters, strict_json
--
-- Makes a job of an entry that a client pushed without `enqueue`.

--: The options of a raw push, which are members of its object, and their names in new_jobs.lua. Times are in seconds.
local RAW_OPTIONS = {
  ['$id'] = 'id', ['$priority'] = 'priority', ['$delay'] = 'delay', ['$at'] = 'at', ['$expires'] = 'expires',
  ['$group'] = 'group', ['$groupSize'] = 'groupSize', ['$traceparent'] = 'traceparent',
}

--: A greater `$at` (the year 5138) is in ms. It would be refused as too late, without the reason.
local LATEST_SECONDS = 100000000000

-- Reads the options of a raw push into the job. Returns what is wrong with them, or nil.
local function read_options(entry, job)
  if not string.find(entry, '"$', 1, true) then return nil end
  check_places()
  local unknown
  for name, value in pairs(cjson.decode((string.gsub(entry, '\\u[dD][89a-fA-F]%x%x', '?')))) do
    local option = RAW_OPTIONS[name]
    if not option and string.sub(name, 1, 1) == '$' then unknown = name end
    if option then
      local is_seconds = type(value) == 'number' and (option == 'delay' or option == 'at' or option == 'expires')
      job[option] = is_seconds and math.floor(value * 1000 + 0.5) or value
      job.has_options = true
    end
  end
  if unknown then
    local known = '$id, $priority, $delay, $at, $expires, $group, $groupSize and $traceparent'
    return string.format('unknown option %s; %s are known', unknown, known)
  end
  if job.at ~= nil and not is_between(job.at, 0, LATEST_SECONDS * 1000) then
    return '$at must be seconds since the epoch (not ms)'
  end
  local problem = problem_with(job)
  return problem and '$' .. problem
end

local serial = 0
local function new_raw_id()
  local id
  repeat
    serial = serial + 1
    id = string.format('raw-%.0f-%d', now, serial)
  until redis.call('EXISTS', job_key(id)) == 0
  return id
end

-- The reason why an entry goes to the dead-letter list, the class of its error and the message; nil if it is a job.
local function refusal(entry, job)
  if #entry > MAX_DATA_BYTES then
    return 'invalid', 'InvalidJob',
      string.format('data has %d bytes of JSON; at most %d are allowed', #entry, MAX_DATA_BYTES)
  end
  local problem = json_problem(entry)
  if problem then
    return 'malformed', 'MalformedEntry', 'this entry was neither the id of a job nor a JSON object' .. problem
  end
  problem = read_options(entry, job)
  if problem then return 'invalid', 'InvalidJob', problem end
end

-- Gives an entry that a client pushed without `enqueue` an id and a job hash. Returns the id and the priority of a new
-- waiting job, which the caller has to place. Returns nil if there is none: an entry with a delay goes to `delayed`; one
-- whose id exists is dropped, as by `enqueue`; anything but a JSON object with valid options goes to the dead-letter list
-- unchanged. If the entry is the id of a job whose state was deleted by hand, that job waits again; of one that was
-- overwritten, it goes to `delayed`, where the janitor finds it.
local function ingest(entry)
  if redis.call('EXISTS', job_key(entry)) == 1 then
    if is_overwritten(entry) then
      redis.call('ZADD', DELAYED, '0', entry)
      return nil
    end
    redis.call('HSET', job_key(entry), 'state', 'waiting', 'priority', DEFAULT_PRIORITY)
    return entry, DEFAULT_PRIORITY
  end
  local id = new_raw_id()
  local job = { id = id, data = entry, priority = DEFAULT_PRIORITY }
  local reason, class, message = refusal(entry, job)
  if reason then
    check_places()
    -- It counts in its group, which would otherwise wait for it forever.
    local has_group = not problem_with_group(job.group, job.groupSize)
    store_job({
      id = id, data = entry, priority = DEFAULT_PRIORITY,
      group = has_group and job.group or nil, groupSize = has_group and job.groupSize or nil,
    })
    count('enqueued')
    local failure = cjson.encode({ class = class, message = message })
    if reason == 'invalid' then add_dead_letter(id, 'invalid', failure) else add_dead_letter(id, 'malformed', failure) end
    return nil
  end
  if not is_free(job.id) then
    count('duplicates')
    return nil
  end
  local waits = store_job(job)
  count('enqueued')
  -- The fencing token keeps first_start.lua from starting it, because its worker has to get the field `options`: they
  -- aren't data.
  if job.has_options then redis.call('HSET', job_key(job.id), 'options', '1', 'fencingToken', '0') end
  if waits then return job.id, job.priority end
end

-- Ingests an entry that is about to start. Returns the id of its job; nil if it may not start yet, because other jobs are
-- more urgent or have waited for longer in LATER.
local function ingest_to_start(entry)
  local has_later = redis.call('EXISTS', LATER) == 1
  if has_later then check_places() end
  local id, priority = ingest(entry)
  if not id or priority == DEFAULT_PRIORITY and not has_later then return id end
  place_last({ id }, priority)
  return nil
end
