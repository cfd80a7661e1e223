-- The wait list stands in the order of execution, its right end next. It is a row of lanes, one for each
-- priority, and `priority_index` points at the last (leftmost) job of each, which is where the next one goes in.
local PRIORITY_INDEX = base .. 'priority_index'
