-- needs: start_times
--
-- Checks what a producer asks for. A new job is a table as in new_jobs.lua.

local VALID_ID = '^[A-Za-z0-9][A-Za-z0-9._:@/+=-]*$'

--: What a producer may set besides id, data and priority.
local OPTIONS = { delay = true, at = true, expires = true, group = true, groupSize = true, traceparent = true }

--: The largest `groupSize`.
local LARGEST_GROUP = 1000000

--: The most bytes of JSON in one job's data. Decoding larger data would block Redis.
local MAX_DATA_BYTES = 1000000

local function problem_with_id(name, id)
  if type(id) == 'string' and #id <= 128 and string.find(id, VALID_ID) then return nil end
  return name .. ' must be 1 to 128 letters, digits or . _ : @ / + = -, a letter or digit first'
end

local function problem_with_group(group, size)
  if group ~= nil then
    local problem = problem_with_id('group', group)
    if problem then return problem end
  end
  if size ~= nil and (group == nil or not is_between(size, 1, LARGEST_GROUP) or size % 1 ~= 0) then
    return string.format('groupSize must be a whole number from 1 to %d, beside group', LARGEST_GROUP)
  end
end

-- See https://www.w3.org/TR/trace-context/#traceparent-header.
local TRACEPARENT = '^%x%x%-' .. string.rep('%x', 32) .. '%-' .. string.rep('%x', 16) .. '%-%x%x$'

-- What is wrong with a new job; nil if nothing is.
local function problem_with(job)
  local problem = problem_with_id('id', job.id) or problem_with_group(job.group, job.groupSize)
  if problem then return problem end
  if not is_between(job.priority, 1, 100) or job.priority % 1 ~= 0 then
    return 'priority must be a whole number from 1 to 100'
  end
  if job.traceparent ~= nil and not (type(job.traceparent) == 'string' and string.find(job.traceparent, TRACEPARENT)) then
    return 'traceparent must be as in W3C Trace Context'
  end
  return problem_with_times(job)
end

-- What is wrong with the arguments for one job, see enqueue.lua; nil if nothing is.
local function problem_of(id, data, priority, options)
  data = data or ''
  local ms = tonumber(options)
  local is_json, job = true, { delay = ms }
  if not ms then is_json, job = pcall(cjson.decode, options or '') end
  if not is_json or type(job) ~= 'table' then return 'delay must be ms, or a JSON object of options' end
  for name in pairs(job) do
    if not OPTIONS[name] then return 'unknown option ' .. tostring(name) end
  end
  -- Seconds in place of ms are a time in January 1970: such a job would run at once.
  if job.at ~= nil and not is_between(job.at, tonumber(timestamp) / 100, math.huge) then
    return 'at must be ms since the epoch (not seconds)'
  end
  job.id, job.priority = id, tonumber(priority)
  local problem = problem_with(job)
  if problem then return problem end
  if string.sub(data, 1, 1) ~= '{' or not pcall(cjson.decode, data) then return 'data must be a JSON object' end
  if #data > MAX_DATA_BYTES then return string.format('data must have %d bytes at most', MAX_DATA_BYTES) end
end
