-- A job as scripts return it: fields and values of its hash, and its id.
local function whole(id)
  local fields = redis.call('HGETALL', job_key(id))
  fields[#fields + 1] = 'id'
  fields[#fields + 1] = id
  return fields
end
