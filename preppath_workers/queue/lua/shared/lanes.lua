-- The wait list stands in the order of execution, its right end next. It is a row of lanes, one for each
-- priority, and `lanes` points at the last (leftmost) job of each, which is where the next one goes in.
local LANES = base .. 'lanes'
