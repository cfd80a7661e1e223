-- The instances that are on the books, by the end of their lease, and what is known of each.
local INSTANCES = base .. 'instances'

local function instance_key(instance) return base .. 'instance:' .. instance end
