-- needs: placing

-- Jobs by priority, to be placed together: that is much faster in a long list than one by one.
local function new_batch()
  return { priorities = {} }
end

local function add_to(batch, id, priority)
  if not batch[priority] then
    batch[priority] = {}
    table.insert(batch.priorities, priority)
  end
  table.insert(batch[priority], id)
end

-- Places the jobs of each priority in the order in which they were added.
local function place_batch(batch)
  for _, priority in ipairs(batch.priorities) do place_last(batch[priority], priority) end
end
