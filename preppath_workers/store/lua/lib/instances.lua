-- The registered instances, scored by the end of their lease (ms), and a hash for each.
local INSTANCES = base .. 'instances'

local function instance_key(instance) return base .. 'instance:' .. instance end

-- The running jobs of an instance that were cancelled, by the slot that runs them; see cancel.lua.
local function cancels_key(instance) return base .. 'cancels:' .. instance end

-- The number of slots that the instance has or had, and whether its lease expired.
local function slots_of(instance)
  local known = redis.call('HMGET', instance_key(instance), 'slots', 'gone')
  return integer(known[1]) or 0, known[2]
end
