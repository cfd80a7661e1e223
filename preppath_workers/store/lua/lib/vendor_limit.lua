-- The limit on starts that follows from the vendor's rate limits. The gate's field `vendorLimit` has three numbers, separated
-- by spaces: how many jobs may start, in how long (ms), and until when that applies (ms). note_vendor_limits.lua computes
-- them from what it keeps in the hash `vendor`.
local VENDOR = base .. 'vendor'

-- The window {starts, ms}, or nil if the field is missing or out of date.
local function vendor_window(stored)
  local starts, span, good_until = string.match(stored or '', '^(%d+) (%d+) (%d+)$')
  if starts and tonumber(good_until) > now then return {tonumber(starts), tonumber(span)} end
end
