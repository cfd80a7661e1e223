-- A job as scripts return it: the fields and values of its hash, and its id.
local function job_reply(id)
  local fields = redis.call('HGETALL', job_key(id))
  fields[#fields + 1] = 'id'
  fields[#fields + 1] = id
  return fields
end
