-- The limit that the vendor's own rate limits call for: how many jobs may start, in how long (ms), and until when that
-- applies (ms), separated by spaces, in the field `vendorLimit` of the gate. note_vendor_limits.lua makes it, from what
-- it keeps in the hash `vendor`.
local VENDOR = base .. 'vendor'

-- The window {starts, ms}, or nil if the field is missing or out of date.
local function vendor_window(stored)
  local starts, span, good_until = string.match(stored or '', '^(%d+) (%d+) (%d+)$')
  if starts and tonumber(good_until) > now then return {tonumber(starts), tonumber(span)} end
end
