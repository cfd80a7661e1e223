-- The queue's figures at each minute as JSON, newest at the left; see history.py.
local HISTORY = base .. 'history'
