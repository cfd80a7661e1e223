-- Counts retries and dead letters by the class of the error: `retried:<class>`, `excused:<class>` (a retry that does not
-- count against the job) and `dead:<reason>:<class>`.
local CAUSES = base .. 'causes'

--: The most fields of the hash. Classes that come later are counted as `other`.
local MOST_CAUSES = 200

-- `failure`: the error as JSON.
local function count_cause(what, failure)
  local is_json, described = pcall(cjson.decode, failure)
  local class = is_json and type(described) == 'table' and described.class
  local field = what .. ':' .. (type(class) == 'string' and string.sub(class, 1, 60) or 'Unknown')
  local known = redis.pcall('HLEN', CAUSES)
  if type(known) == 'number' and known >= MOST_CAUSES and redis.call('HEXISTS', CAUSES, field) == 0 then
    field = what .. ':other'
  end
  redis.pcall('HINCRBY', CAUSES, field, '1')
end
